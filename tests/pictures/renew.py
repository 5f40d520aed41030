"""Paint the reference pictures anew: `python -m tests.pictures.renew [NAME ...]`, from the top of the checkout."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from tests.pictures.album import FOLDER, by_name, keep, paint


def main(names: list[str]) -> int:
    """Paint those whose name begins with one of `names`, or all; tell what is kept."""
    chosen = [one for one in by_name.values() if not names or one.name.startswith(tuple(names))]
    if not chosen:
        print(f"no picture begins with {', '.join(names)}", file=sys.stderr)
        return 2
    for picture in chosen:
        print(f"{picture.name}: {keep(picture, paint(picture)) / 1000:.0f} kB")
    if not names:
        for stray in set(FOLDER.glob("*.png")) - {one.path for one in chosen}:
            stray.unlink()
    print(f"{sum(path.stat().st_size for path in FOLDER.glob('*.png')) / 1e6:.1f} MB in all")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

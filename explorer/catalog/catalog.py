"""The catalogue: every chip, model, offer and supply chain that can be chosen, shipped or the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from explorer.catalog.chip import Chip
from explorer.catalog.chip_file import read_chip
from explorer.catalog.content import record_paths
from explorer.catalog.huggingface import read_huggingface_config
from explorer.catalog.location import resource_root
from explorer.catalog.model import Model
from explorer.catalog.model_file import read_model
from explorer.catalog.offer import Offer
from explorer.catalog.offer_file import read_prices
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.catalog.supplier import SupplyChain
from explorer.catalog.supplier_file import read_supply_chains
from explorer.errors import CatalogError, MissingSuppliersError, Problem, UnknownRecordError

RECORD_FOLDERS: tuple[str, ...] = ("chips", "models", "prices", "suppliers")

MODEL_FILES = ("*.toml", "*.json", "*/config.json")

Record = TypeVar("Record", bound=Chip | Model)


@dataclass(frozen=True)
class Catalog:
    """Everything that can be chosen. `edition` names the shipped data: its date and a hash of its content.

    A user's own records are part of the mappings (origin "user") but not of the edition, since a scenario
    carries a copy of every record it uses.
    """

    edition: str
    chips: Mapping[str, Chip]
    models: Mapping[str, Model]
    offers: Mapping[str, Offer]
    supply_chains: Mapping[str, SupplyChain]
    notices: tuple[str, ...]

    def chip(self, chip_id: str) -> Chip:
        """The chip with this id; UnknownRecordError otherwise."""
        if chip_id not in self.chips:
            raise UnknownRecordError("chip", chip_id, tuple(self.chips))
        return self.chips[chip_id]

    def model(self, id_or_alias: str) -> Model:
        """The model with this id, or failing that with this alias or name (case ignored)."""
        if id_or_alias in self.models:
            return self.models[id_or_alias]
        wanted = id_or_alias.casefold()
        for model in self.models.values():
            if wanted in (name.casefold() for name in (model.id, model.name, *model.aliases)):
                return model
        raise UnknownRecordError("model", id_or_alias, tuple(self.models))

    def offer(self, offer_id: str) -> Offer:
        """The offer with this id; UnknownRecordError otherwise."""
        if offer_id not in self.offers:
            raise UnknownRecordError("offer", offer_id, tuple(self.offers))
        return self.offers[offer_id]

    def supply_chain(self, chip_id: str) -> SupplyChain:
        """The supply chain of a chip; MissingSuppliersError where none is recorded."""
        if chip_id not in self.supply_chains:
            raise MissingSuppliersError(chip_id)
        return self.supply_chains[chip_id]

    def software_stacks(self, chip_id: str) -> frozenset[str]:
        """Software stacks that a chip may need; one of its own where nobody recorded who supplies it."""
        if chip_id not in self.supply_chains:
            return frozenset({f"stack of {chip_id}"})
        return frozenset(one.supplier for one in self.supply_chains[chip_id].links["software_stack"].candidates)

    def offers_for(self, chip_id: str, cloud: str | None = None, term: str | None = None) -> tuple[Offer, ...]:
        """The offers of a chip, narrowed by cloud and term; empty where nobody offers it so."""
        return tuple(
            offer
            for offer in self.offers.values()
            if offer.chip == chip_id and cloud in (None, offer.cloud) and term in (None, offer.term)
        )


class RecordFiles(Mapping[str, Record], Generic[Record]):
    """Records of a shipped folder, one file each and named for the id; a file is read when first asked for.

    Reading all of them at once would take longer than the rest of the start.
    """

    def __init__(self, folder: Path, read: Callable[[Path], Record], own: Mapping[str, Record]) -> None:
        self._paths = {path.stem: path for path in record_paths(folder, "*.toml")}
        self._read = read
        self._records: dict[str, Record] = {}
        self._own = own

    def __getitem__(self, record_id: str) -> Record:
        if record_id in self._own:
            return self._own[record_id]
        if record_id not in self._records:
            path = self._paths[record_id]
            record = self._read(path)
            if record.id != record_id:
                raise CatalogError(f"{path}: id '{record.id}' must equal the file's name")
            self._records[record_id] = record
        return self._records[record_id]

    def __iter__(self) -> Iterator[str]:
        yield from self._paths
        yield from self._own

    def __len__(self) -> int:
        return len(self._paths) + len(self._own)

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._paths or record_id in self._own

    def path_of(self, record_id: str) -> Path:
        """The shipped file of a record."""
        return self._paths[record_id]

    def with_own(self, own: Mapping[str, Record]) -> RecordFiles[Record]:
        """The same shipped records, what has been read included, with a user's own beside them."""
        joined: RecordFiles[Record] = RecordFiles.__new__(RecordFiles)
        joined._paths, joined._read, joined._records, joined._own = (
            self._paths,
            self._read,
            self._records,
            own,
        )
        return joined


def load_catalog(user_folder: Path | None = None) -> Catalog:
    """The shipped catalogue; the records of `user_folder` (in chips/, models/, prices/, suppliers/) join it.

    A model may be a Hugging Face config.json: models/NAME.json, or models/NAME/config.json.
    Raises CatalogError for a bad file, for a user's record whose id is already taken (naming both files)
    and for an offer or supply chain of a chip that does not exist.
    """
    shipped = _shipped()
    if user_folder is None:
        return shipped.catalog
    if not user_folder.is_dir():
        raise CatalogError(f"{user_folder}: is not a folder; name the folder that holds {', '.join(RECORD_FOLDERS)}")
    catalog = shipped.catalog
    chips = _own_records(user_folder / "chips", lambda path: read_chip(path, "user"), shipped.chips)
    models = _own_records(user_folder / "models", _read_own_model, shipped.models, *MODEL_FILES)
    _refuse_taken_aliases(models, catalog)
    known_chips = {*catalog.chips, *chips}
    offers, offer_notices = _read_offers(user_folder / "prices", "user", known_chips, shipped.offer_paths)
    chains = _read_chains(user_folder / "suppliers", "user", known_chips, shipped.chain_paths)
    return Catalog(
        edition=catalog.edition,
        chips=shipped.chips.with_own(chips),
        models=shipped.models.with_own(models),
        offers={**catalog.offers, **{key: offer for key, (offer, _) in offers.items()}},
        supply_chains={**catalog.supply_chains, **{key: chain for key, (chain, _) in chains.items()}},
        notices=(*catalog.notices, *offer_notices),
    )


@dataclass(frozen=True)
class _Shipped:
    catalog: Catalog
    chips: RecordFiles[Chip]
    models: RecordFiles[Model]
    offer_paths: Mapping[str, Path]
    chain_paths: Mapping[str, Path]


@cache
def _shipped() -> _Shipped:
    root = resource_root()
    chips = RecordFiles(root / "chips", read_chip, {})
    models = RecordFiles(root / "models", read_model, {})
    offers, notices = _read_offers(root / "prices", "shipped", set(chips), {})
    chains = _read_chains(root / "suppliers", "shipped", set(chips), {})
    catalog = Catalog(
        edition=edition_of(root),
        chips=chips,
        models=models,
        offers={key: offer for key, (offer, _) in offers.items()},
        supply_chains={key: chain for key, (chain, _) in chains.items()},
        notices=notices,
    )
    return _Shipped(
        catalog,
        chips,
        models,
        {key: path for key, (_, path) in offers.items()},
        {key: path for key, (_, path) in chains.items()},
    )


def edition_of(root: Path) -> str:
    """The name of the data under `root`: its stated date and a hash of its records."""
    path = root / "catalog.toml"
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    date = table.text("edition")
    table.finish()
    raise_problems(path, problems)
    digest = hashlib.sha256()
    for folder in RECORD_FOLDERS:
        for file in record_paths(root / folder, "*.toml"):
            digest.update(f"{folder}/{file.name}\n".encode())
            # The same data must have the same name where a checkout turns line ends into CR LF.
            digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return f"{date}+{digest.hexdigest()[:8]}"


def _read_own_model(path: Path) -> Model:
    """A user's model: a record of ours, or the config.json that a model is published with."""
    return read_huggingface_config(path) if path.suffix == ".json" else read_model(path, "user")


def _own_records(
    folder: Path, read: Callable[[Path], Record], shipped: RecordFiles[Record], *patterns: str
) -> dict[str, Record]:
    records: dict[str, Record] = {}
    paths: dict[str, Path] = {}
    for path in record_paths(folder, *(patterns or ("*.toml",))):
        record = read(path)
        taken = paths.get(record.id) or (shipped.path_of(record.id) if record.id in shipped else None)
        if taken is not None:
            raise _taken(path, record.id, taken)
        records[record.id], paths[record.id] = record, path
    return records


def _refuse_taken_aliases(own: Mapping[str, Model], catalog: Catalog) -> None:
    if not own:
        return
    for model in own.values():
        for other in (*catalog.models.values(), *(m for m in own.values() if m is not model)):
            shared = {n.casefold() for n in model.aliases} & {n.casefold() for n in (other.id, *other.aliases)}
            if shared:
                raise CatalogError(f"model '{model.id}': alias '{min(shared)}' already belongs to model '{other.id}'")


def _read_offers(
    folder: Path, origin: str, chips: set[str], taken: Mapping[str, Path]
) -> tuple[dict[str, tuple[Offer, Path]], tuple[str, ...]]:
    offers: dict[str, tuple[Offer, Path]] = {}
    notices: list[str] = []
    for path in record_paths(folder, "*.toml"):
        prices = read_prices(path, origin)
        notices.extend(prices.notices)
        for offer in prices.offers:
            if offer.chip not in chips:
                raise CatalogError(
                    f"{path}: offer '{offer.id}': {UnknownRecordError('chip', offer.chip, tuple(chips))}"
                )
            first = taken.get(offer.id) or (offers[offer.id][1] if offer.id in offers else None)
            if first is not None:
                raise _taken(path, offer.id, first)
            offers[offer.id] = (offer, path)
    return offers, tuple(notices)


def _read_chains(
    folder: Path, origin: str, chips: set[str], taken: Mapping[str, Path]
) -> dict[str, tuple[SupplyChain, Path]]:
    chains: dict[str, tuple[SupplyChain, Path]] = {}
    for path in record_paths(folder, "*.toml"):
        for chain in read_supply_chains(path, origin):
            if chain.chip not in chips:
                raise CatalogError(f"{path}: {UnknownRecordError('chip', chain.chip, tuple(chips))}")
            first = taken.get(chain.chip) or (chains[chain.chip][1] if chain.chip in chains else None)
            if first is not None:
                raise _taken(path, chain.chip, first)
            chains[chain.chip] = (chain, path)
    return chains


def _taken(path: Path, record_id: str, first: Path) -> CatalogError:
    return CatalogError(f"{path}: '{record_id}' is already taken by {first}; choose another id")

"""The portability matrix: every cell sourced or reasoned, what is unknown a range, bad files named."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import load_catalog
from explorer.catalog.portability import portability_matrix, read_portability
from explorer.errors import CatalogError, UnknownRecordError


def test_that_every_cell_has_a_source_or_a_reason() -> None:
    matrix = portability_matrix()
    assert len(matrix.cells) == len(matrix.features) * len(matrix.stacks)
    assert all(cell.source or cell.reason for cell in matrix.cells.values())


def test_that_every_stack_of_the_supply_chains_is_in_the_matrix() -> None:
    chains = load_catalog().supply_chains.values()
    stacks = {one.supplier for chain in chains for one in chain.links["software_stack"].candidates}
    assert stacks <= set(portability_matrix().stacks)


def test_that_neuron_lacks_gptq_and_awq_as_the_vllm_table_says() -> None:
    assert portability_matrix().cell("AWS Neuron", "int4").range == (0.0, 0.0, 0.0)
    assert portability_matrix().cell("AWS Neuron", "int8").range == (1.0, 1.0, 1.0)


def test_that_an_unknown_cell_is_a_range() -> None:
    assert portability_matrix().cell("CANN", "fp8").range == (0.0, 0.5, 1.0)


def test_that_an_unknown_feature_or_stack_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownRecordError, match="prefix_caching"):
        portability_matrix().cell("CUDA", "prefix_cacheing")
    with pytest.raises(UnknownRecordError, match="ROCm"):
        portability_matrix().cell("ROCn", "fp8")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [('{ support = "full" }', "source"), ('{ support = "mostly", source = "x" }', "mostly"), ("1", "table")],
)
def test_that_a_bad_cell_is_refused_by_name(tmp_path: Path, cell: str, reason: str) -> None:
    path = tmp_path / "matrix.toml"
    path.write_text(f'as_of = "2026-01-01"\n[features]\nfp8 = "FP8"\n[stacks."CUDA"]\nfp8 = {cell}\n')
    with pytest.raises(CatalogError, match=reason):
        read_portability(path)

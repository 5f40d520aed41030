"""Shocks: memory dearer by the gigabyte, suppliers failing, clouds left, causes shared; before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from explorer.catalog import Catalog
from explorer.errors import ScenarioFileError, UnknownRecordError
from explorer.scenario.file import parse_scenario, read_scenario, write_scenario
from explorer.scenario.schema import Fleet, FleetMember, Price, Scenario, Shock
from explorer.study.economics import evaluate_with_economics as evaluate
from explorer.study.export import outcome_data
from explorer.study.mixture import mixture_quantile
from explorer.study.shocks import ShockOutcome, _what
from tests.study.asking import alternative, fleet, scenario, workload


def asked(*shocks: Shock, shares: dict[str, float] | None = None, **parts: object) -> Scenario:
    """A 70B chat on H200 and AI200, both on AWS, with these shocks."""
    members = fleet(**(shares or {"H200": 0.7, "AI200": 0.3})).members
    keys = {"fleet": Fleet(members=members), **parts}
    return scenario(
        workload(alternative("nv-h200"), traffic={"request_rate_per_s": 60.0}), shocks=shocks, samples=8, **keys
    )


def answered(catalog: Catalog, question: Scenario) -> tuple[ShockOutcome, ...]:
    """The shocks of a scenario, answered."""
    outcome = evaluate(question, catalog)
    assert outcome.economics is not None
    return outcome.economics.shocks


def outage(supplier: str, name: str = "", **keys: object) -> Shock:
    """A supplier that delivers nothing."""
    return Shock(name=name or supplier, kind="outage", supplier=supplier, **keys)


def test_that_a_dollar_a_gigabyte_is_768_dollars_a_card_of_ai200(catalog: Catalog) -> None:
    """AI200 carries 768 GB of LPDDR5X a card; H200 141 GB of HBM3e."""
    (found,) = answered(catalog, asked(Shock(name="dear", kind="memory_price", usd_per_gb=1.0)))
    assert found.capex_change_usd == pytest.approx({"H200": 141.0, "AI200": 768.0})
    assert found.after.usd_per_month is not None and found.before.usd_per_month is not None
    assert found.after.usd_per_month > found.before.usd_per_month
    assert found.after.capacity == found.before.capacity


def test_that_dearer_lpddr_leaves_hbm_alone(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(Shock(name="dear", kind="memory_price", supplier="LPDDR5X", usd_per_gb=2.0)))
    assert found.capex_change_usd == pytest.approx({"H200": 0.0, "AI200": 1536.0})


def test_that_the_bill_rises_by_what_the_memory_adds_to_owning(catalog: Catalog) -> None:
    question = asked(
        Shock(name="dear", kind="memory_price", usd_per_gb=1.0), shares={"AI200": 1.0}, price=Price(basis="own")
    )
    outcome = evaluate(question, catalog)
    assert outcome.economics is not None
    (found,) = outcome.economics.shocks
    chips = outcome.fleet.pools[0].chips
    # (K - R/(1+r)^n) CRF + opex, with R = 15 %, r = 10 %, n = 4, opex 5 %, CRF = 0.315471
    yearly = 768.0 * ((1 - 0.15 / 1.1**4) * 0.315471 + 0.05)
    assert found.after.usd_per_month is not None and found.before.usd_per_month is not None
    rise = found.after.usd_per_month - found.before.usd_per_month
    assert rise == pytest.approx(yearly / 12.0 * chips, rel=1e-5)


def test_that_rents_stay_as_offered(catalog: Catalog) -> None:
    question = asked(
        Shock(name="dear", kind="memory_price", usd_per_gb=1.0), shares={"H200": 1.0}, price=Price(basis="offer")
    )
    (found,) = answered(catalog, question)
    assert found.after.usd_per_month == found.before.usd_per_month
    assert "rents stay as offered" in found.notes[0]


def test_that_a_cloud_that_reprices_moves_the_whole_bill(catalog: Catalog) -> None:
    """AWS raised its capacity blocks by 15 % in January 2026."""
    (found,) = answered(catalog, asked(Shock(name="rise", kind="price", supplier="AWS", change=0.15)))
    assert found.after.usd_per_month == pytest.approx(1.15 * (found.before.usd_per_month or 0.0))


def test_that_a_designer_that_reprices_moves_only_its_own_chips(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(Shock(name="cut", kind="price", supplier="Nvidia", change=-0.3)))
    assert found.capex_change_usd["H200"] < 0.0 == found.capex_change_usd["AI200"]
    assert (found.after.usd_per_month or 0.0) < (found.before.usd_per_month or 0.0)


@pytest.mark.parametrize("basis", ["cost_plus", "offer"])
def test_that_a_cloud_with_chips_of_its_own_makes_nobody_elses_chips_dearer(catalog: Catalog, basis: str) -> None:
    """AWS designs Trainium2 and rents out all three: 15 % on its rents is 15 % on the bill, once."""
    question = asked(
        Shock(name="dearer", kind="price", supplier="AWS", change=0.15),
        shares={"H200": 0.4, "Trainium2": 0.3, "AI200": 0.3}, price=Price(basis=basis),
    )  # fmt: skip
    (found,) = answered(catalog, question)
    assert found.before.usd_per_month is not None
    assert found.after.usd_per_month == pytest.approx(1.15 * found.before.usd_per_month)
    assert set(found.capex_change_usd.values()) == {0.0}
    assert not found.notes


def test_that_who_owns_pays_only_a_designer_more(catalog: Catalog) -> None:
    question = asked(
        Shock(name="dearer", kind="price", supplier="AWS", change=0.15),
        shares={"H200": 0.5, "Trainium2": 0.5}, price=Price(basis="own"),
    )  # fmt: skip
    (found,) = answered(catalog, question)
    assert found.capex_change_usd["H200"] == 0.0
    assert found.capex_change_usd["Trainium2"] > 0.0


def test_that_a_foundry_price_is_not_guessed(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(Shock(name="rise", kind="price", supplier="TSMC", change=0.1)))
    assert found.after.usd_per_month == found.before.usd_per_month
    assert "not published" in " ".join(found.notes)
    assert "in expectation: AI200: foundry undisclosed" in found.notes


def test_that_a_failed_designer_takes_its_traffic_less_what_the_others_can_carry(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(outage("Nvidia")))
    assert 0.3 <= found.after.served < 0.7
    assert found.after.capacity == pytest.approx(found.after.served, abs=1e-9)
    assert found.lost_capacity_weeks == pytest.approx(26.0 * (1.0 - found.after.served))
    assert found.after.effective_suppliers == pytest.approx(1.0)
    # rebuilt on AI200 alone, it costs what AI200 alone costs
    alone = evaluate(asked(shares={"AI200": 1.0}), catalog).fleet.usd_per_month
    assert found.after.usd_per_month == pytest.approx(alone)


def test_that_a_failed_cloud_leaves_nothing_of_a_fleet_on_one_cloud(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(outage("AWS")))
    assert found.after.served == 0.0 and found.after.capacity == 0.0
    assert found.after.usd_per_month is None
    assert "nothing is left" in " ".join(found.notes)
    assert found.after.p99_s["chat"]["tpot"] is None


def test_that_half_an_outage_hits_half(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(outage("AWS", share=0.5)))
    assert found.after.capacity == pytest.approx(0.5 * found.before.capacity)


def test_that_leaving_a_cloud_costs_once(catalog: Catalog) -> None:
    members = (
        FleetMember(name="here", chip="nv-h200", cloud="AWS", traffic_share=0.5),
        FleetMember(name="there", chip="nv-h200", cloud="CoreWeave", traffic_share=0.5),
    )
    question = asked(Shock(name="exit", kind="cloud_exit", supplier="AWS"), fleet=Fleet(members=members))
    outcome = evaluate(question, catalog)
    assert outcome.economics is not None
    (found,) = outcome.economics.shocks
    spend = outcome.fleet.pools[0].usd_per_month
    # 3 months of half the spend there, and a terabyte at 0.05 $/GB
    assert found.once_usd == pytest.approx(3 * 0.5 * spend + 50.0)
    assert found.after.usd_per_month is not None


def test_that_an_export_rule_hits_the_designers_of_a_country(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(Shock(name="rule", kind="export", supplier="United States")))
    assert found.after.served == 0.0


def test_that_late_chips_are_not_billed_and_nothing_is_rebuilt(catalog: Catalog) -> None:
    """Dell quoted 39 weeks for H100 servers in late 2023."""
    shock = Shock(name="late", kind="delay", supplier="Nvidia", weeks=39.0)
    outcome = evaluate(asked(shock), catalog)
    assert outcome.economics is not None
    (found,) = outcome.economics.shocks
    here = next(pool for pool in outcome.fleet.pools if pool.name == "AI200")
    assert found.after.usd_per_month == pytest.approx(here.usd_per_month)
    assert found.weeks == 39.0


def test_that_survivors_that_take_over_answer_more_slowly(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(outage("Qualcomm")))
    before, after = found.before.p99_s["chat"], found.after.p99_s["chat"]
    assert before["tpot"] is not None and after["tpot"] is not None
    assert found.after.served < 1.0


def test_that_without_stated_shocks_the_usual_ones_are_looked_at(catalog: Catalog) -> None:
    found = evaluate(asked(), catalog).economics
    assert found is not None and found.shocks == ()
    names = [one.name for one in found.usual_shocks]
    assert {"TSMC fails", "AWS fails", "memory dearer", "AWS dearer"} <= set(names)
    assert len(names) == len(set(names))
    stated = evaluate(asked(outage("AWS")), catalog).economics
    assert stated is not None and stated.usual_shocks == () and len(stated.shocks) == 1


def test_that_a_supplier_the_fleet_does_without_changes_nothing(catalog: Catalog) -> None:
    (found,) = answered(catalog, asked(outage("AMD")))
    assert found.after == found.before
    assert "does not depend on AMD" in found.notes[0]


def test_that_a_common_cause_strikes_together(catalog: Catalog) -> None:
    """Alone each leaves a pool standing; together none, which two independent events would not say."""
    first, second = outage("Nvidia", cause="strait"), outage("Qualcomm", cause="strait")
    alone, other, both = answered(catalog, asked(first, second))
    assert both.name == "strait" and both.shocks == ("Nvidia", "Qualcomm")
    assert alone.after.served > 0 and other.after.served > 0 and both.after.served == 0.0


def test_that_an_unknown_supplier_is_named_with_its_key_and_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match=r"shocks\.1\.supplier.*'TSMCC'.*TSMC"):
        evaluate(asked(outage("AWS"), outage("TSMCC")), catalog)


def test_that_an_unknown_supplier_in_a_file_is_a_fault_of_the_file(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "shock.toml"
    write_scenario(path, asked(outage("AWS")))
    path.write_text(path.read_text().replace('supplier = "AWS"', 'supplier = "AWSS"'))
    with pytest.raises(ScenarioFileError, match=r"shocks\.0\.supplier.*AWSS.*AWS"):
        read_scenario(path, catalog)


def test_that_shocks_survive_saving(tmp_path: Path, catalog: Catalog) -> None:
    question = asked(outage("AWS", cause="x"), Shock(name="dear", kind="memory_price", usd_per_gb=1.5))
    path = tmp_path / "shock.toml"
    write_scenario(path, question)
    assert read_scenario(path, catalog).scenario.shocks == question.shocks
    assert parse_scenario(path.read_text(), path).scenario.shocks == question.shocks


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "outage"},
        {"kind": "price", "supplier": "AWS"},
        {"kind": "memory_price"},
        {"kind": "price", "supplier": "AWS", "change": -1.5},
        {"kind": "outage", "supplier": "AWS", "share": 1.5},
        {"kind": "strike", "supplier": "AWS"},
    ],
)
def test_that_a_shock_that_says_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Shock.model_validate({"name": "x", **wrong})


def test_that_one_pool_alone_gives_back_its_own_quantiles() -> None:
    for quantile, expected in ((0.5, 0.02), (0.99, 0.05)):
        found = mixture_quantile(np.array([1.0]), np.array([0.02]), np.array([0.05]), quantile)
        assert found == pytest.approx(expected, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    weight=st.floats(0.02, 0.98), fast=st.floats(0.001, 1.0), slower=st.floats(1.0, 20.0), tail=st.floats(1.01, 10.0)
)
def test_that_a_mixture_lies_between_its_pools_and_is_no_mean(
    weight: float, fast: float, slower: float, tail: float
) -> None:
    p50 = np.array([fast, fast * slower])
    p99 = p50 * tail
    found = mixture_quantile(np.array([weight, 1 - weight]), p50, p99, 0.99)
    assert p99[0] * (1 - 1e-9) <= found <= p99[1] * (1 + 1e-9)


def test_that_the_json_carries_the_shocks(catalog: Catalog) -> None:
    table = outcome_data(evaluate(asked(outage("AWS")), catalog))["economics"]["shocks"][0]
    assert table["after"]["served"] == 0.0 and table["before"]["usd_per_month"] > 0


@pytest.mark.parametrize(("usd", "text"), [(1.0, "memory +$1.00/GB"), (-2.5, "memory −$2.50/GB")])
def test_that_a_change_of_the_memory_price_is_written_as_money(usd: float, text: str) -> None:
    assert _what(Shock(name="memory", kind="memory_price", usd_per_gb=usd)) == text

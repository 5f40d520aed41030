"""Where and by when a chip can be had: one rule for the table, the decision and the win map."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog
from explorer.scenario.schema import Access, Scenario
from explorer.study.contestants import field_of
from explorer.study.evaluate import evaluate
from explorer.study.figures import FigureSets
from explorer.study.reach import Reach, not_yet, offered_at, places_within_reach, within_reach
from explorer.study.what_matters import what_matters
from explorer.study.what_matters_words import headline, left_out_sentence, matters_text, regret_sentence
from tests.study.asking import alternative, scenario, workload

DAY = "2026-11-22"


def test_that_a_chip_cannot_be_had_before_its_day(catalog: Catalog) -> None:
    assert not_yet(catalog.chip("qcom-ai250"), "2026-11-22") == "not before 2027"
    assert not_yet(catalog.chip("qcom-ai250"), "2027-01-01") == ""
    assert not_yet(catalog.chip("nv-h200"), "2026-11-22") == ""
    assert not_yet(catalog.chip("nv-h200"), "2024-10-31") == "not before 2024-11"
    assert not_yet(catalog.chip("msft-maia200"), "2026-11-22") == "not offered to anyone else"


def test_that_a_claim_is_no_offer(catalog: Catalog) -> None:
    claimed = offered_at(catalog, catalog.chip("qcom-ai200"), "AWS", Access())
    assert not claimed.available and not claimed.ruled_out and claimed.doubt == "claimed, unconfirmed"
    assert offered_at(catalog, catalog.chip("nv-h200"), "AWS", Access()) == Reach(True)
    elsewhere = offered_at(catalog, catalog.chip("nv-h200"), "Vultr", Access())
    assert not elsewhere.available and elsewhere.ruled_out and elsewhere.doubt == elsewhere.note


def test_that_an_offer_elsewhere_in_the_world_is_out_of_reach(catalog: Catalog) -> None:
    chip = catalog.chip("nv-h200")
    regions = {one.region for one in catalog.offers_for(chip.id, "AWS") if not one.hypothetical}
    assert offered_at(catalog, chip, "AWS", Access(regions=tuple(regions))).available
    far = offered_at(catalog, chip, "AWS", Access(regions=("nowhere-1",)))
    assert not far.available and far.ruled_out and "in no region within reach" in far.note


def test_that_clouds_and_premises_say_where_a_chip_can_be_had(catalog: Catalog) -> None:
    mi300x, h800 = catalog.chip("amd-mi300x"), catalog.chip("nv-h800")
    assert places_within_reach(catalog, mi300x, Access(clouds=("AWS",))) == ()
    assert places_within_reach(catalog, mi300x, Access(clouds=("AWS", "Azure"))) == ("Azure",)
    assert "Azure" in places_within_reach(catalog, mi300x, Access())
    assert places_within_reach(catalog, h800, Access(clouds=("AWS",))) == ()
    assert places_within_reach(catalog, h800, Access(clouds=("AWS",), on_premises=True)) == ("",)


@pytest.mark.parametrize("cloud", ["AWS", ""])
def test_that_a_claim_is_never_ruled_out_and_a_chip_nobody_sells_always_is(cloud: str, catalog: Catalog) -> None:
    claimed = within_reach(catalog, catalog.chip("qcom-ai200"), cloud, Access(clouds=("AWS",)), DAY)
    assert (claimed.available, claimed.ruled_out, claimed.doubt) == (False, False, "claimed, unconfirmed")
    kept = within_reach(catalog, catalog.chip("meta-mtia2"), cloud, Access(), DAY)
    assert (kept.available, kept.ruled_out) == (False, True)


def test_that_an_announcement_is_no_offer(catalog: Catalog) -> None:
    announced = within_reach(catalog, catalog.chip("qcom-ai250"), "Azure", Access(), "2027-06-01")
    assert (announced.available, announced.ruled_out) == (False, False)


def test_that_own_premises_count_only_where_they_are_possible(catalog: Catalog) -> None:
    h800 = catalog.chip("nv-h800")
    assert within_reach(catalog, h800, "", Access(clouds=("AWS",), on_premises=True), DAY).available
    assert within_reach(catalog, h800, "", Access(clouds=("AWS",)), DAY).ruled_out


def accessed(clouds: tuple[str, ...] = (), as_of: str = DAY, regions: tuple[str, ...] = ()) -> Scenario:
    """H100 at Azure, selected, with GB200 at AWS, a chip that nobody sells, and H200 in no stated cloud beside it."""
    compared = workload(
        alternative("nv-h100-sxm", cloud="Azure"),
        alternative("nv-gb200-nvl72"),
        alternative("meta-mtia2", cloud=""),
        alternative("nv-h200", cloud=""),
    )
    asked = scenario(compared, access=Access(clouds=clouds, regions=regions))
    return asked.model_copy(update={"as_of": as_of})


@pytest.mark.parametrize(
    "asked",
    [
        accessed(),
        accessed(clouds=("Azure",)),
        accessed(clouds=("AWS",), regions=("nowhere-1",)),
        accessed(clouds=("AWS",), as_of="2024-10-01"),
    ],
    ids=["anywhere", "one cloud", "a region without", "before its day"],
)
def test_that_the_table_and_the_win_map_agree_on_what_can_be_had(asked: Scenario, catalog: Catalog) -> None:
    answer = evaluate(asked, catalog, 8).workloads[0]
    field = field_of(catalog, FigureSets(catalog), asked, asked.workloads[0], 8)
    on_map = {one.alternative: one for one in field.contestants if one.alternative is not None}
    for at, one in enumerate(answer.alternatives):
        if at in on_map:
            assert one.available == on_map[at].reachable, one.name
        if not one.available:
            assert one.availability_note


@pytest.mark.parametrize(
    ("asked", "out"),
    [
        (accessed(clouds=("Azure",)), {"GB200", "meta-mtia2"}),
        (accessed(as_of="2024-10-01"), {"GB200", "H200", "meta-mtia2"}),
    ],
    ids=["one cloud", "before their day"],
)
def test_that_what_access_or_the_date_rules_out_wins_no_decision(
    asked: Scenario, out: set[str], catalog: Catalog
) -> None:
    found = what_matters(asked, catalog, 0, 256)
    assert found is not None and found.regret is not None
    assert set(found.left_out) == out and all(found.left_out.values())
    assert not out & {row.name for row in found.regret.rows}
    takes = (found.best_now, found.regret.minimax_regret, found.regret.maximin, found.regret.hurwicz)
    assert not out & {*takes, found.regret.laplace, found.regret.tail, found.reference}
    assert all(name in left_out_sentence(found) for name in out)
    assert left_out_sentence(found) in matters_text(found)


def test_that_the_selected_one_stays_a_choice_and_its_name_says_what_stands_against_it(catalog: Catalog) -> None:
    compared = workload(alternative("aws-trn2"), alternative("nv-h100-sxm", cloud="Azure"))
    found = what_matters(scenario(compared, access=Access(clouds=("Azure",))), catalog, 0, 256)
    assert found is not None and found.alternative == "Trainium2" and not found.left_out
    assert found.best_now == "Trainium2", "it is cheaper: the sentence must not hide that it cannot be had"
    assert "Trainium2 (AWS is not among the clouds you can buy from)" in matters_text(found)


def test_that_a_winner_that_is_only_claimed_is_called_so(catalog: Catalog) -> None:
    idle = {"traffic": {"request_rate_per_s": 0.3}, "objectives": {"ttft_p99_s": 20.0}}
    compared = workload(alternative("qcom-ai200"), alternative("nv-h200", parallelism_degree=4), **idle)
    found = what_matters(scenario(compared, access=Access(clouds=("AWS",))), catalog, 0, 256)
    assert found is not None and found.regret is not None
    assert "AI200 (claimed, unconfirmed) costs least" in headline(found)
    assert found.doubts == {"AI200": "claimed, unconfirmed"} and not found.left_out
    takes = (found.regret.minimax_regret, found.regret.maximin, found.regret.hurwicz, found.regret.laplace)
    claimed = sum(name == "AI200" for name in (*takes, found.regret.tail))
    assert claimed and regret_sentence(found.regret).count("AI200 (claimed, unconfirmed)") == claimed

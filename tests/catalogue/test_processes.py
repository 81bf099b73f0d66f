"""processes.yml: nodes in order, which of them is final, and owners one after the other."""

from __future__ import annotations

from datetime import UTC, datetime

from .conftest import RIGHT, Mistakes, Read


def processes(nodes: str, more: str = "") -> dict[str, str]:
    return {"processes.yml": f"processes:\n  claims:\n    nodes: [{nodes}]\n{more}"}


PAY = "{node: pay}"


def test_the_last_node_is_final_unless_others_are(read: Read) -> None:
    last = read(processes("{node: register}, {node: pay}")).processes["claims"].nodes
    said = read(processes("{node: register, final: true}, {node: pay}")).processes["claims"].nodes

    assert [node.final for node in last] == [False, True]
    assert [node.final for node in said] == [True, False]


def test_a_process_whose_last_node_is_not_final_needs_another(mistakes: Mistakes) -> None:
    (only,) = mistakes(processes("{node: register}, {node: pay, final: false}"))

    assert only.startswith("catalogue/processes.yml:3: claims has no final node")


def test_owners_are_dated_in_the_business_time_zone_and_put_in_order(read: Read) -> None:
    owners = "[{department: B, valid_from: 2026-04-01}, {department: A}]"

    (node,) = read(processes(f"{{node: pay, owners: {owners}}}")).processes["claims"].nodes

    assert [owner.department for owner in node.owners] == ["A", "B"]
    assert node.owners[1].valid_from_us == datetime(2026, 3, 31, 16, tzinfo=UTC).timestamp() * 1e6


def test_owners_are_one_at_a_time(mistakes: Mistakes) -> None:
    both = mistakes(processes("{node: pay, department: A, owners: [{department: B}]}"))
    twice = mistakes(processes("{node: pay, owners: [{department: A}, {department: B}]}"))

    assert "has `owners` and `department`; move everything into `owners`" in both[0]
    assert "an owner before it has no valid_from too" in twice[0]


def test_what_is_wrong_with_a_node_is_said_where_it_is(mistakes: Mistakes) -> None:
    text = (
        "processes:\n  claims:\n    nodes:\n      - {node: pay}\n      - {nod: x}\n      - close\n      - {node: pay}\n"
    )

    assert mistakes({"processes.yml": text}) == [
        "catalogue/processes.yml:5: `node` is missing in claims.nodes[2]: the name that commitments and sources use",
        "catalogue/processes.yml:5: unknown key 'nod' of claims.nodes[2]; did you mean 'node'?",
        "catalogue/processes.yml:6: claims.nodes[3] 'close' must be `key: value` pairs, not a single value",
        "catalogue/processes.yml:7: claims has the node 'pay' twice, first in line 4; rename or remove one",
    ]


def test_names_for_people_default_to_the_names_of_things(read: Read) -> None:
    process = read().processes["claims"]

    assert (process.name, process.nodes[0].name) == ("claims", "register")


def test_a_process_may_have_no_nodes(mistakes: Mistakes) -> None:
    assert mistakes({"processes.yml": RIGHT["processes.yml"] + "  orders:\n"}) == []

"""Interfaces are read to their last row, patiently, and no key goes where it does not belong; over real HTTP."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.rest import ApiKey, Auth, Basic, CursorPaging, OAuth2, OffsetPaging, PagePaging, Paging
from pipelines.sources import SourceError, rest

from .api import CUT, SILENT, Answer, Api, Asked
from .conftest import Bench, rows

SECRET = "s3cret-of-ours"
ROWS = [{"id": number} for number in range(1, 24)]


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def crm(bench: Bench, api: Api, sleeps: list[float]) -> Bench:
    bench.kind = "rest"
    bench.connection = f"{api.url}/v2/"
    return bench


def refused(crm: Bench, from_: str = "/orders", **declared: Any) -> str:
    with pytest.raises(SourceError, match=r"^crm\.orders: ") as refusal:
        crm.pull(from_, **declared)
    assert crm.nothing_landed()
    assert "\n" not in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None
    return str(refusal.value)


# --- rows


def test_values_land_as_the_text_they_are(crm: Bench, api: Api) -> None:
    api.answer = lambda asked: Answer(
        b'{"meta": {"n": 2}, "items": [{"id": 12345678901234567890123, "amount": 1.10, "small": 1e-7, "open": true, '
        b'"customer": {"name": "\xc3\x89va", "address": {"city": null}, "none": {}}, "tags": ["a", 1.50, null]}, '
        b'{"id": "A-1", "open": "yes", "late": false}]}'
    )

    batch = crm.pull("orders")

    assert batch is not None
    assert set(batch.columns.values()) == {"string"}
    first, second = rows(batch)
    assert first == {
        "id": "12345678901234567890123",
        "amount": "1.10",
        "small": "1e-7",
        "open": "true",
        "customer.name": "Éva",
        "customer.address.city": None,
        "customer.none": None,
        "tags": '["a", 1.50, null]',
        "late": None,
    }
    assert {name: value for name, value in second.items() if value is not None} == {
        "id": "A-1",
        "open": "yes",
        "late": "false",
    }
    assert api.asked[0].path == "/v2/orders"


def test_a_column_that_comes_late_or_changes_its_kind_is_one_column_of_text(crm: Bench, api: Api) -> None:
    pages = {"1": [{"id": 1, "x": None}], "2": [{"id": 2, "x": True}], "3": [{"id": "3", "x": 1.0, "y": "new"}]}
    api.answer = lambda asked: pages.get(asked.params["page"], [])

    batch = crm.pull("orders", paging=Paging(page=PagePaging(param="page")))

    assert batch
    assert batch.columns == {"id": "string", "x": "string", "y": "string"}
    assert [row["x"] for row in rows(batch)] == [None, "true", "1.0"]
    assert crm.seen == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("records", "answer"),
    [
        (None, [{"id": 1}]),
        (None, {"total": 1, "page": {"size": 5}, "orders": [{"id": 1}]}),
        ("data.items", {"data": {"items": [{"id": 1}], "others": [5]}}),
        ("data.items", {"data.items": [{"id": 1}]}),
    ],
)
def test_rows_are_the_only_list_or_where_records_says(crm: Bench, api: Api, records: str | None, answer: Any) -> None:
    api.answer = lambda asked: answer

    assert crm.rows("orders", records=records) == [{"id": "1"}]


def test_an_answer_without_rows_lands_once(crm: Bench, api: Api) -> None:
    api.answer = lambda asked: {"items": None}

    assert crm.pull("orders", records="items")
    assert crm.pull("orders", records="items") is None


@pytest.mark.parametrize(
    ("records", "answer", "words"),
    [
        (None, {"a": [], "b": []}, "the answer has lists a, b: name the path of the rows in `records`"),
        (None, {"error": "no"}, "the answer has an object with error, and no list: name the path"),
        ("item", {"items": []}, "there is no 'item' in the answer (it has items): correct `records`"),
        ("items", {"items": {"id": 1}}, "'items' is an object with id, no list of rows: correct `records`"),
        (None, [{"id": 1}, 7], "row 2 is '7', no object: correct `records`"),
        (None, [{"a": {"b": 1}, "a.b": 2}], "row 1 has two values named 'a.b'"),
        (None, [{"id": 1, "ID": 2}], "the source has the columns 'id' and 'ID', which the warehouse cannot tell apart"),
        (None, [{"name": "\ud800"}], "a row holds text that is no valid Unicode"),
    ],
)
def test_what_is_no_list_of_rows_is_refused(crm: Bench, api: Api, records: str | None, answer: Any, words: str) -> None:
    api.answer = lambda asked: answer

    with pytest.raises(Exception, match=r"^crm\.orders: ") as refusal:
        crm.pull("orders", records=records)

    assert words in str(refusal.value)
    assert crm.nothing_landed()


def test_large_cells_zero_bytes_empty_keys_and_repeated_keys_land_as_they_are(crm: Bench, api: Api) -> None:
    large = "x" * 10_000_000
    api.answer = lambda asked: [{"id": None, "note": large}, {"id": "a\x00b", "note": ""}, {"id": "NA"}, {"id": "NA"}]

    landed = crm.rows("orders")

    assert [row["id"] for row in landed] == [None, "a\x00b", "NA", "NA"]
    assert landed[0]["note"] == large


def test_an_answer_that_memory_would_not_hold_is_refused(
    crm: Bench, api: Api, monkeypatch: pytest.MonkeyPatch, sleeps: list[float]
) -> None:
    monkeypatch.setattr(rest, "LARGEST_ANSWER", 1 << 20)
    api.answer = lambda asked: [{"note": "x" * (2 << 20)}]

    assert "answers with more than 1 MB at once: ask for less with `paging`" in refused(crm)
    assert sleeps == []


# --- pages


def _by_link(asked: Asked) -> Any:
    at = int(asked.params.get("at", 0))
    following = f"/v2/orders?at={at + 5}" if at + 5 < len(ROWS) else None
    return {"items": ROWS[at : at + 5], "links": {"next": following}}


def _by_header(asked: Asked) -> Any:
    at = int(asked.params.get("at", 0))
    links = f'<http://{asked.headers["host"]}/v2/orders?at={at + 5}>; rel="next"' if at + 5 < len(ROWS) else ""
    return Answer(ROWS[at : at + 5], headers={"Link": links} if links else {})


def _by_cursor(asked: Asked) -> Any:
    at = int(asked.params.get("cursor", 0))
    more = {"next_cursor": str(at + 5)} if at + 5 < len(ROWS) else {}
    return {"items": ROWS[at : at + 5], "meta": more}


def _by_page(asked: Asked) -> Any:
    size = min(int(asked.params["size"]), 5)
    at = (int(asked.params["page"]) - 1) * size
    return {"items": ROWS[at : at + size]}


def _by_offset(asked: Asked) -> Any:
    at, limit = int(asked.params["skip"]), min(int(asked.params["take"]), 5)
    return {"items": ROWS[at : at + limit], "total": len(ROWS)}


PAGINGS: dict[str, tuple[Callable[[Asked], Any], dict[str, Any], int]] = {
    "next_link": (_by_link, {"paging": Paging(next_link="links.next")}, 5),
    "link_header": (_by_header, {"paging": Paging(link_header="next")}, 5),
    "cursor": (_by_cursor, {"paging": Paging(cursor=CursorPaging(param="cursor", from_="meta.next_cursor"))}, 5),
    # The server gives less than it is asked for, so only an empty page is the end.
    "page": (_by_page, {"paging": Paging(page=PagePaging(param="page", size_param="size", size=8))}, 6),
    "offset": (
        _by_offset,
        {"paging": Paging(offset=OffsetPaging(param="skip", limit_param="take", limit=8)), "total": "total"},
        5,
    ),
}


@pytest.mark.parametrize("way", PAGINGS)
def test_pages_are_followed_to_the_last(crm: Bench, api: Api, way: str) -> None:
    api.answer, declared, requests = PAGINGS[way]

    landed = crm.rows("orders", params={"state": "all", "tag": ("a", "b")}, **declared)

    assert [int(row["id"]) for row in landed] == [row["id"] for row in ROWS]
    assert len(api.asked) == requests
    assert api.asked[0].params["state"] == "all"
    assert crm.pull("orders", params={"state": "all"}, **declared) is None


@pytest.mark.parametrize(
    ("paging", "answer", "words"),
    [
        (
            Paging(next_link="next"),
            lambda asked: {"items": [{"id": len(asked.params)}], "next": "/v2/orders?x=1"},
            "is asked for twice: its pages go in circles",
        ),
        (
            Paging(cursor=CursorPaging(param="c", from_="next")),
            lambda asked: {"items": [{"id": asked.params.get("c")}], "next": "same"},
            "the cursor 'same' comes twice: the pages go in circles",
        ),
        (Paging(page=PagePaging(param="pg")), lambda asked: ROWS, "delivers the same 23 rows once more"),
        (Paging(offset=OffsetPaging(param="skip")), lambda asked: ROWS, "does the interface know the parameters"),
        (Paging(next_link="next"), lambda asked: {"items": [], "next": {"href": "x"}}, "is an object with href"),
        (Paging(next_link="next"), lambda asked: {"items": [], "next": "http://x:y/"}, "an address that is none"),
        (Paging(next_link="next"), lambda asked: {"items": [], "next": "file:///etc/x"}, "an address that is none"),
        (Paging(next_link="link.next"), _by_link, "`links.next` speaks of more pages: say in `paging`"),
        (Paging(link_header="next"), lambda asked: Answer(b"[", status=500), "answered 500"),
        (None, _by_link, "`links.next` speaks of more pages: say in `paging`"),
        (None, _by_header, "the header Link speaks of more pages"),
        (None, lambda asked: {"items": [], "has_more": True}, "`has_more` speaks of more pages"),
        (
            None,
            lambda asked: {"items": [], "page": {"nextPageToken": "x"}},
            "`page.nextPageToken` speaks of more pages",
        ),
    ],
)
def test_pages_that_go_in_circles_or_are_not_asked_for_are_refused(
    crm: Bench, api: Api, paging: Paging | None, answer: Callable[[Asked], Any], words: str
) -> None:
    api.answer = answer

    assert words in refused(crm, paging=paging)


def test_a_total_that_is_not_delivered_is_an_error(crm: Bench, api: Api) -> None:
    api.answer = lambda asked: Answer({"items": ROWS, "count": 24}, headers={"X-Total-Count": "1000"})

    assert "speaks of 24 rows and delivered 23" in refused(crm, total="count")
    assert "speaks of 1,000 rows and delivered 23" in refused(crm, total_header="X-Total-Count")
    assert "'counted' in the answer is null, no number of rows: correct `total`" in refused(crm, total="counted")


# --- from a cursor on


def changes(*changed: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"id": id, "changed": at} for id, at in changed]


def test_a_cursor_asks_for_what_changed_and_knows_the_ties_again(crm: Bench, api: Api) -> None:
    declared = {"cursor": "changed", "cursor_param": "since", "key": ("id",)}
    api.answer = lambda asked: changes((2, "2026-01-02T10:00:00+01:00"), (1, "2026-01-02T09:30:00Z"))
    first = crm.pull("orders", **declared)
    api.answer = lambda asked: changes((1, "2026-01-02T09:30:00Z"))
    still = crm.pull("orders", **declared)
    api.answer = lambda asked: []
    nothing = crm.pull("orders", **declared)
    api.answer = lambda asked: changes((1, "2026-01-02T09:30:00Z"), (3, "2026-01-02T09:30:00Z"))
    second = crm.pull("orders", **declared)

    assert first
    assert second
    assert still is nothing is None
    assert (first.mode, first.manifest["cursor_to"]) == ("whole", "2026-01-02T09:30:00Z")
    assert (second.mode, second.rows, second.manifest["cursor_from"]) == ("cursor", 2, "2026-01-02T09:30:00Z")
    assert [asked.params.get("since") for asked in api.asked] == [None, *["2026-01-02T09:30:00Z"] * 3]


@pytest.mark.parametrize(
    ("value", "declared", "asked_for"),
    [
        ("2026-01-02T09:30:00Z", {}, "2026-01-02T09:30:00Z"),
        ("2026-01-02T09:30:00Z", {"cursor_lag": "1h"}, "2026-01-02T08:30:00Z"),
        ("2026-01-02 09:30:00", {"cursor_lag": "1h"}, "2026-01-02 08:30:00"),
        ("2026-01-02T09:30:00+01:00", {"cursor_lag": "1h"}, "2026-01-02T08:30:00+01:00"),
        ("2026-01-02T00:30:00Z", {"cursor_lag": "1h", "cursor_format": "%Y-%m-%d"}, "2026-01-01"),
        ("2026-01-02T09:30:00.5Z", {"cursor_format": "unix"}, "1767346200"),
        ("2026-01-02T09:30:00.5Z", {"cursor_format": "unix_ms"}, "1767346200500"),
        ("02.01.2026 09:30", {"cursor_lag": "1h", "time_format": "%d.%m.%Y %H:%M"}, "02.01.2026 08:30"),
        (1767346200, {"cursor_lag": "1h", "time_format": "unix"}, "1767342600"),
        (17, {}, "17"),
        ("v-17", {}, "v-17"),
    ],
)
def test_where_a_pull_begins_is_said_in_the_words_of_the_interface(
    crm: Bench, api: Api, value: Any, declared: dict[str, Any], asked_for: str
) -> None:
    api.answer = lambda asked: [{"id": 1, "changed": value}, {"id": 2, "changed": None}]
    declared |= {"cursor": "changed", "cursor_param": "since"}
    crm.pull("orders", **declared)

    assert crm.pull("orders", **declared) is None
    assert api.asked[-1].params == {"since": asked_for}


def test_numbers_and_dates_of_other_forms_are_compared_as_what_they_are(crm: Bench, api: Api) -> None:
    for values, form, greatest in (
        ([9, 100, 10], None, "100"),
        (["01.02.2026", "02.01.2026"], "%d.%m.%Y", "01.02.2026"),
        (["2026-01-01T00:30:00+01:00", "2025-12-31T23:45:00Z"], None, "2025-12-31T23:45:00Z"),
        (["2026-01-01", "2062-01-01", None], None, "2026-01-01"),
    ):
        api.answer = lambda asked, values=values: [{"changed": value} for value in values]
        batch = crm.pull("orders", cursor="changed", cursor_param="since", time_format=form, full_refresh=True)
        assert batch
        assert batch.manifest["cursor_to"] == greatest


def test_what_was_committed_late_lands_although_the_cursor_stands_still(crm: Bench, api: Api) -> None:
    declared = {"cursor": "changed", "cursor_param": "since", "cursor_lag": "1h"}
    known = changes((1, "2026-01-01T00:00:00Z"), (2, "2026-01-02T09:30:00Z"), (3, "2026-01-02T09:00:00Z"))
    api.answer = lambda asked: known
    crm.pull("orders", **declared)
    api.answer = lambda asked: known[1:]
    still = crm.pull("orders", **declared)
    api.answer = lambda asked: [*known[1:], *changes((4, "2026-01-02T08:45:00Z"))]
    late = crm.pull("orders", **declared)

    assert still is None
    assert late
    assert (late.rows, late.manifest["cursor_to"]) == (3, "2026-01-02T09:30:00Z")
    assert crm.pull("orders", **declared) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([{"id": 1}], "there is no column 'changed', the declared cursor (there are id): correct `cursor`"),
        ([{"changed": 5}, {"changed": "x"}], "the cursor 'changed' has values of different kinds"),
    ],
)
def test_a_cursor_that_is_none_is_refused(crm: Bench, api: Api, answer: Any, words: str) -> None:
    api.answer = lambda asked: answer

    assert words in refused(crm, cursor="changed", cursor_param="since")


# --- patience


@pytest.mark.parametrize(
    ("stumble", "words"),
    [
        (Answer(status=500), "answered 500 Internal Server Error"),
        (Answer(status=502), "answered 502 Bad Gateway"),
        (Answer(ROWS, fault=CUT), "was cut off"),
        (Answer(fault=SILENT), "gave no answer within 0.2 s"),
        (Answer(b'[{"id": 1}, {"i'), "answered with broken JSON"),
        (Answer(b'[{"id": "\xff"}]'), "answered with broken JSON"),
    ],
    ids=["500", "502", "cut", "silent", "broken", "no UTF-8"],
)
def test_an_interface_that_stumbles_is_asked_again_and_not_for_ever(
    crm: Bench, api: Api, sleeps: list[float], stumble: Answer, words: str
) -> None:
    crm.settings = {"timeout": "0.2s", "retries": 3}
    api.first = [stumble] * 3
    api.answer = lambda asked: ROWS

    assert len(crm.rows("orders", params={"key": SECRET})) == 23
    assert len(sleeps) == 3
    assert all(low <= slept <= low + 1 for low, slept in zip((1, 2, 4), sleeps, strict=True))

    crm.home = type(crm.home)(crm.home.root / "other")
    api.first = [stumble] * 9
    message = refused(crm, params={"key": SECRET})
    assert f"GET {api.url}/v2/orders {words}" in message
    assert message.endswith(", 4 times. Nothing of this pull has landed: run again later.")


def test_a_stumble_on_a_later_page_neither_loses_nor_repeats_rows(crm: Bench, api: Api) -> None:
    stumbles = [Answer(status=503), Answer(ROWS, fault=CUT)]

    def answer(asked: Asked) -> Any:
        return stumbles.pop() if asked.params.get("at") == "10" and stumbles else _by_link(asked)

    api.answer = answer

    assert [int(row["id"]) for row in crm.rows("orders", paging=Paging(next_link="links.next"))] == [
        row["id"] for row in ROWS
    ]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Fri, 01 May 2026 10:01:30 GMT", "Date": "Fri, 01 May 2026 10:00:00 GMT"}, 90),
        ({"Retry-After": "Fri, 01 May 2026 09:00:00 GMT", "Date": "Fri, 01 May 2026 10:00:00 GMT"}, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_is_asked_for_is_made(
    crm: Bench, api: Api, sleeps: list[float], headers: dict[str, str], pause: float, status: int
) -> None:
    api.first = [Answer(status=status, headers=headers)] * 2
    api.answer = lambda asked: ROWS

    assert len(crm.rows("orders")) == 23
    assert sleeps == [pause, pause]


def test_a_pause_that_is_not_understood_is_one_of_ours(crm: Bench, api: Api, sleeps: list[float]) -> None:
    api.first = [Answer(status=429, headers={"Retry-After": "soon"})]

    assert crm.rows("orders") == []
    assert 1 <= sleeps[0] <= 2


def test_a_pause_longer_than_a_run_waits_ends_the_pull(crm: Bench, api: Api, sleeps: list[float]) -> None:
    api.first = [Answer(status=429, headers={"Retry-After": "3600"})]

    assert "asks for a pause of 3,600 s. Nothing of this pull has landed: run again then." in refused(crm)
    assert sleeps == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer({"message": "who?"}, status=401), '401 Unauthorized ({"message": "who?"}): the user, key or token'),
        (Answer(status=403, body={}), "403 Forbidden ({}): `auth` of crm is known and may not read this: give it"),
        (Answer(b"<html>", status=404), "404 Not Found: correct `from` of the entity, or `connection`"),
        (Answer(b"", status=400), "400 Bad Request: correct `from` and `params`"),
        (Answer(b" <!DOCTYPE html><p>Log in"), "answered with a web page or XML instead of JSON (a page to log in?)"),
        (Answer(status=302, headers={"Location": "/v2/orders"}), "is redirected more than 5 times"),
        (Answer(status=302, headers={"Location": "ftp://x/y"}), "points to an address that is none"),
    ],
)
def test_what_another_try_would_not_mend_is_not_tried_again(
    crm: Bench, api: Api, sleeps: list[float], answer: Answer, words: str
) -> None:
    api.answer = lambda asked: answer

    assert f"GET {api.url}/v2/orders" in refused(crm)
    assert words in refused(crm)
    assert sleeps == []


@pytest.mark.parametrize("connection", ["http://127.0.0.1:1", "http://no.such.host.invalid/v1"])
def test_a_host_that_does_not_answer_is_named(crm: Bench, sleeps: list[float], connection: str) -> None:
    crm.connection = connection
    crm.settings = {"retries": 1}

    assert "2 times. Is the server up, and is `connection` of crm right? Nothing of this pull" in refused(crm)
    assert len(sleeps) == 1


# --- who asks

BASIC = "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode()
AUTHS: dict[str, tuple[Auth, Callable[[Asked], bool]]] = {
    "basic": (Auth(basic=Basic(user="reader", password=SECRET)), lambda it: it.headers["authorization"] == BASIC),
    "bearer": (Auth(bearer=SECRET), lambda it: it.headers["authorization"] == f"Bearer {SECRET}"),
    "header": (Auth(api_key=ApiKey(header="X-Key", value=SECRET)), lambda it: it.headers["x-key"] == SECRET),
    "query": (Auth(api_key=ApiKey(query="key", value=SECRET)), lambda it: it.params["key"] == SECRET),
}


@pytest.mark.parametrize("way", AUTHS)
def test_every_page_is_asked_for_with_the_key_and_nobody_else_hears_of_it(
    crm: Bench, api: Api, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    auth, is_right = AUTHS[way]
    crm.settings = {"auth": auth, "headers": {"X-Tenant": "ours"}}
    api.answer = _by_link

    assert len(crm.rows("orders", paging=Paging(next_link="links.next"))) == 23
    assert all(is_right(asked) and asked.headers["x-tenant"] == "ours" for asked in api.asked)
    assert SECRET not in caplog.text
    written = [path.read_bytes() for path in Path(crm.home.root).rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)


@pytest.mark.parametrize("way", AUTHS)
def test_a_key_that_is_refused_is_not_shown_even_if_the_server_shows_it(crm: Bench, api: Api, way: str) -> None:
    crm.settings = {"auth": AUTHS[way][0]}
    api.answer = lambda asked: Answer({"message": "x" * 180 + f" {asked.headers} {asked.params}"}, status=401)

    assert "the user, key or token is refused: correct `auth` of crm (its environment variable)" in refused(crm)


class Tokens:
    """A server of tokens, each good for some requests."""

    def __init__(self, api: Api, uses: int = 1000, lasts: Any = 3600, in_form: bool = False) -> None:
        self.uses, self.lasts, self.in_form = uses, lasts, in_form
        self.given, self.left = 0, 0
        api.answer = self.answer

    def answer(self, asked: Asked) -> Any:
        if asked.path == "/token":
            in_header = "Basic " + base64.b64encode(f"us:{SECRET}".encode()).decode()
            in_form = (asked.form.get("client_id"), asked.form.get("client_secret"))
            is_right = in_form == ("us", SECRET) if self.in_form else asked.headers.get("authorization") == in_header
            assert asked.form["grant_type"] == "client_credentials"
            if not is_right:
                return Answer({"error": "invalid_client", "was": str(asked)}, status=401)
            self.given, self.left = self.given + 1, self.uses
            return {"access_token": f"{SECRET}-{self.given}", "token_type": "Bearer", "expires_in": self.lasts}
        if asked.headers.get("authorization") != f"Bearer {SECRET}-{self.given}" or not self.left:
            return Answer({"error": "expired"}, status=401)
        self.left -= 1
        return _by_link(asked)


def oauth2(api: Api, secret: str = SECRET, **more: Any) -> dict[str, Any]:
    return {"auth": Auth(oauth2=OAuth2(token_url=f"{api.url}/token", client_id="us", client_secret=secret, **more))}


@pytest.mark.parametrize(("uses", "lasts", "given"), [(1000, 3600, 1), (1000, None, 1), (2, 3600, 3), (1000, 0, 5)])
def test_a_token_is_asked_for_once_and_again_when_it_ends_or_is_refused(
    crm: Bench, api: Api, uses: int, lasts: Any, given: int
) -> None:
    tokens = Tokens(api, uses, lasts)
    crm.settings = oauth2(api, scope="read")

    assert len(crm.rows("orders", paging=Paging(next_link="links.next"))) == 23
    assert tokens.given == given
    assert api.asked[0].form["scope"] == "read"


def test_client_credentials_may_go_in_the_form(crm: Bench, api: Api) -> None:
    Tokens(api, in_form=True)
    crm.settings = oauth2(api, credentials_in="form")

    assert len(crm.rows("orders", paging=Paging(next_link="links.next"))) == 23


def test_a_token_that_is_refused_or_not_given_is_explained(crm: Bench, api: Api, sleeps: list[float]) -> None:
    Tokens(api)
    crm.settings = oauth2(api, SECRET + "-of-yesterday", credentials_in="form")
    wrong = refused(crm)
    crm.settings = oauth2(api)
    Tokens(api, uses=0)
    useless = refused(crm)
    api.answer = lambda asked: {"token": "x"}
    none = refused(crm)

    assert f"orders: POST {api.url}/token answered 401 Unauthorized" in wrong
    assert "the client is refused, correct `auth: {oauth2: …}` of crm" in wrong
    assert "the user, key or token is refused" in useless
    assert "gives no access_token: correct `token_url`" in none
    assert sleeps == []


def test_a_server_of_tokens_that_stumbles_is_asked_again(crm: Bench, api: Api, sleeps: list[float]) -> None:
    Tokens(api)
    crm.settings = oauth2(api)
    api.first = [Answer(status=503, headers={"Retry-After": "3"})]

    assert len(crm.rows("orders", paging=Paging(next_link="links.next"))) == 23
    assert sleeps == [3]


@pytest.mark.parametrize("way", AUTHS)
@pytest.mark.parametrize("by", ["redirect", "next link"])
def test_no_key_goes_to_another_host(crm: Bench, api: Api, way: str, by: str) -> None:
    other = Api()
    try:
        other.answer = lambda asked: {"items": [{"id": 1}]}
        elsewhere = f"{other.url}/elsewhere"
        api.answer = lambda asked: (
            Answer(status=307, headers={"Location": elsewhere})
            if by == "redirect"
            else {"items": [{"id": 0}], "next": elsewhere}
        )
        crm.settings = {"auth": AUTHS[way][0], "headers": {"X-Other-Key": SECRET}}

        assert crm.rows("orders", paging=Paging(next_link="next"))[-1] == {"id": "1"}
        assert SECRET not in str(other.asked)
        assert "authorization" not in other.asked[0].headers
        other.answer = lambda asked: Answer(status=401)
        with pytest.raises(SourceError, match=r"no credentials were sent, as this is not 127\.0\.0\.1, the host of"):
            crm.pull("orders", paging=Paging(next_link="next"))
    finally:
        other.close()


def test_a_redirect_on_the_same_host_keeps_the_key(crm: Bench, api: Api) -> None:
    crm.settings = {"auth": Auth(bearer=SECRET)}
    api.answer = lambda asked: (
        ROWS if asked.path.endswith("/") else Answer(status=308, headers={"Location": asked.path + "/"})
    )

    assert len(crm.rows("orders")) == 23
    assert api.asked[-1].headers["authorization"] == f"Bearer {SECRET}"

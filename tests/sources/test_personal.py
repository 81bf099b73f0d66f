"""What people are called is dropped or hashed before anything of it is written, whatever becomes of the pull."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest

from pipelines.catalogue.personal import HASH_KEY
from pipelines.landing import MANIFEST
from pipelines.sources import SourceError
from pipelines.sources.personal import Protection

from .conftest import Bench

KEY = "a key of at least sixteen characters"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HASH_KEY, KEY)


@pytest.fixture(params=["files", "database", "python"])
def people(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The same three people in a file, in a table, and of a function."""
    bench.kind = request.param
    if bench.kind == "database":
        bench.connection = "sqlite:///in/tool.db"
    elif bench.kind == "python":
        bench.connection = "in/tool.py:pull"
    deliver(bench, "id", "phone", "name")
    return bench


def deliver(bench: Bench, *names: str, people: tuple[tuple, ...] = ()) -> None:
    people = people or ((1, "0611", "Ann"), (2, None, " Ann "), (3, "0622", None))
    if bench.kind == "files":
        lines = [",".join("" if cell is None else str(cell) for cell in row) for row in people]
        bench.deliver("people.csv", "\n".join([",".join(names), *lines]) + "\n")
        return
    if bench.kind == "python":
        columns = {name: [row[at] for row in people] for at, name in enumerate(names)}
        bench.deliver(
            "tool.py",
            f"import pyarrow as pa\n\n\ndef pull(entity, since, settings):\n    yield pa.table({columns!r})\n",
        )
        return
    with closing(sqlite3.connect(bench.home.root / "in" / "tool.db")) as con:
        con.execute("DROP TABLE IF EXISTS people")
        con.execute(f"CREATE TABLE people ({', '.join(names)})")
        con.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(names))})", people)
        con.commit()


def from_(bench: Bench) -> str | None:
    return {"files": "people.csv", "database": "people"}.get(bench.kind)


def hashed(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), "sha256").hexdigest()


def test_dropped_columns_do_not_land_and_hashed_ones_land_as_a_keyed_hash(people: Bench) -> None:
    rows = people.rows(from_(people), drop=("Phone",), hash=("name", "id"))

    assert rows == [
        {"id": hashed("1"), "name": hashed("Ann")},
        {"id": hashed("2"), "name": hashed("Ann")},
        {"id": hashed("3"), "name": None},
    ]
    folder = people.batches[0].folder
    assert not [path for path in folder.iterdir() if b"0611" in path.read_bytes() or b"Ann" in path.read_bytes()]


def test_numbers_and_texts_hash_alike_in_every_source() -> None:
    def protected(column: pa.Array) -> list[str | None]:
        protection = Protection.__new__(Protection)
        protection._key = KEY.encode()
        return protection._hash(column).to_pylist()

    assert protected(pa.array([5, None])) == protected(pa.array(["5", ""])) == [hashed("5"), None]
    assert protected(pa.array([True])) == [hashed("true")]


def test_the_same_again_is_nothing_new_and_a_change_in_what_is_hashed_is(people: Bench) -> None:
    declared = {"from_": from_(people), "drop": ("phone",), "hash": ("name",)}
    assert people.pull(**declared)
    assert people.pull(**declared) is None

    deliver(people, "id", "phone", "name", people=((1, "0611", "Ann"), (2, None, "Ben"), (3, "0622", None)))

    assert [row["name"] for row in people.rows(**declared)] == [hashed("Ann"), hashed("Ben"), None]


def test_a_cursor_keeps_no_trace_of_a_row_in_the_manifest(bench: Bench) -> None:
    bench.kind, bench.connection = "database", "sqlite:///in/tool.db"
    manifests = []
    for phone in ("0611", "0622"):
        deliver(bench, "id", "phone", "name", people=((1, phone, "Ann"),))
        batch = bench.pull("people", cursor="id", drop=("phone",), full_refresh=True)
        assert batch is not None
        manifests.append(batch.manifest)

    # Were it made of the phone number too, whoever knows the rest could try all numbers.
    assert manifests[0]["cursor_ties"] == manifests[1]["cursor_ties"]


def test_new_rules_and_a_new_key_pull_everything_again(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert people.pull(from_(people))
    assert people.pull(from_(people)) is None
    assert "phone" not in people.rows(from_(people), drop=("phone",))[0]
    first = people.rows(from_(people), drop=("phone",), hash=("name",))
    assert people.pull(from_(people), drop=("phone",), hash=("name",)) is None
    monkeypatch.setenv(HASH_KEY, KEY + "!")

    again = people.rows(from_(people), drop=("phone",), hash=("name",))

    assert first[0]["name"] != again[0]["name"]


@pytest.mark.parametrize(
    ("names", "rule", "words"),
    [
        (("id", "mobile", "name"), {"drop": ("phone",)}, "'phone', which `drop` names, and 'mobile' is new"),
        (("id", "phone", "full_name"), {"hash": ("name",)}, "'name', which `hash` names, and 'full_name' is new"),
    ],
)
def test_a_protected_column_that_is_renamed_lands_nothing(
    people: Bench, names: tuple[str, ...], rule: dict, words: str
) -> None:
    assert people.pull(from_(people), **rule)
    deliver(people, *names, people=((1, "0633", "Carl"),))

    with pytest.raises(SourceError, match=words):
        people.pull(from_(people), **rule)

    assert len(people.batches) == 1


def test_a_protected_column_that_never_was_there_is_named(people: Bench) -> None:
    with pytest.raises(SourceError, match="there is no column 'fone', which `drop` names: nothing has landed"):
        people.pull(from_(people), drop=("fone",))

    assert people.nothing_landed()


def test_a_protected_column_that_goes_and_leaves_nothing_new_holds_up_nobody(people: Bench) -> None:
    assert people.pull(from_(people), drop=("phone",))
    deliver(people, "id", "name", people=((1, "Ann"),))

    assert [row["name"] for row in people.rows(from_(people), drop=("phone",))] == ["Ann"]


def test_records_without_the_field_are_let_in(bench: Bench) -> None:
    bench.deliver("people.jsonl", '{"id": 1, "phone": "0611"}\n{"id": 2}\n')
    assert bench.rows("people.jsonl", drop=("phone",)) == [{"id": "1"}, {"id": "2"}]
    bench.deliver("people.jsonl", '{"id": 3}\n')
    assert bench.rows("people.jsonl", drop=("phone",)) == [{"id": "3"}]


@pytest.mark.parametrize(("key", "words"), [("", "is not set"), ("short", "is shorter than 16 characters")])
def test_without_a_good_key_nothing_is_pulled(
    people: Bench, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    monkeypatch.setenv(HASH_KEY, key)

    with pytest.raises(SourceError, match=words) as refused:
        people.pull(from_(people), hash=("name",))

    assert "short'" not in str(refused.value)
    assert people.nothing_landed()


def test_an_error_does_not_quote_what_it_stumbled_over(bench: Bench) -> None:
    bench.kind, bench.connection = "database", "sqlite:///in/tool.db"
    deliver(bench, "id", "phone", "name")

    with pytest.raises(SourceError) as refused:
        bench.pull(query="SELECT id, json_extract(name, '$.Ann') AS name FROM people", hash=("name",))

    assert "Ann" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert MANIFEST not in str(refused.value)


def test_what_a_function_says_of_people_is_neither_logged_nor_shown(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.kind, bench.connection = "python", "in/tool.py:pull"
    bench.deliver(
        "tool.py",
        "def pull(entity, since, settings):\n    print('Ann called')\n    raise ValueError('no phone of Ann')\n",
    )

    with pytest.raises(SourceError, match="ValueError: run the function by hand") as refused:
        bench.pull(hash=("name",))

    assert "Ann" not in str(refused.value) + caplog.text

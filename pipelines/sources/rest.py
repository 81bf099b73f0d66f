"""HTTP interfaces that answer in JSON: page after page, with patience for a server that is busy or stumbles."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa

from pipelines.home import Home
from pipelines.sources.cursors import begin, followed, since
from pipelines.sources.json_text import JSON, Number, cell_text, text_batch
from pipelines.sources.patience import patiently
from pipelines.sources.pulled import Progress, Pulled, SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.rest import OAuth2
    from pipelines.catalogue.sources import Entity, Source
    from pipelines.landing import Batch

SECONDS_OF_SILENCE = 30.0
# A server that lets an answer drip would otherwise hold the run for ever.
SILENCES_OF_AN_ANSWER = 10
# Who asks for more patience is better asked again by the next run.
LONGEST_PAUSE = 300.0
# As Python objects it takes some 5 times as much.
LARGEST_ANSWER = 64 * 1024 * 1024
MOST_REDIRECTS = 5
# A token is renewed a little before it ends, as clocks differ and requests take time.
SECONDS_OF_LEEWAY = 30.0
SHOWN_CHARACTERS = 200

MORE = re.compile(r"next(_?(page|link|url|href|cursor|offset|token))*|has_?(more|next)(_?page)?", re.IGNORECASE)

# With none at all the client would look for credentials in the address.
_NOBODY = httpx.Auth()

# It logs every address with its query at INFO, and keys stand in queries.
logging.getLogger("httpx").setLevel(logging.WARNING)


def pull(
    source: Source,
    entity: Entity,
    history: Sequence[Batch],
    home: Home,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Bring the rows of an entity: all of them, or those that changed since its cursor stood where it stood last."""
    if not entity.from_:
        raise SourceError(source.name, entity.name, "`from` is missing in sources.yml: the path behind the base URL.")
    pulled, known_ties = begin(entity, history, entity.from_, full_refresh)
    pulled.batches = followed(source, entity, pulled, known_ties, _batches(source, entity, pulled), progress)
    return pulled


def _batches(source: Source, entity: Entity, pulled: Pulled) -> Iterator[pa.RecordBatch]:
    columns: dict[str, None] = {}
    rows = 0
    with _Interface(source, entity) as interface, interface.said_clearly():
        for page in _pages(interface, pulled):
            flat = [_flat(row, rows + number) for number, row in enumerate(page, 1)]
            rows += len(flat)
            for row in flat:
                columns.update(dict.fromkeys(row))
            yield text_batch(list(columns), [[row.get(name) for name in columns] for row in flat])


def _flat(row: Any, number: int) -> dict[str, str | None]:
    """Objects within a row become columns named by their path; lists stay one cell, as JSON."""
    if not isinstance(row, dict):
        raise _Refused(f"row {number} is {_what(row)}, no object: correct `records` in sources.yml.")
    cells: dict[str, str | None] = {}
    _flatten("", row, cells, number)
    return cells


def _flatten(prefix: str, value: dict[str, Any], cells: dict[str, str | None], number: int) -> None:
    for key, inner in value.items():
        name = prefix + key
        # Numbers are texts already, and most cells are one of the two.
        if inner is None or isinstance(inner, str):
            cell = inner
        elif type(inner) is dict and inner:
            _flatten(f"{name}.", inner, cells, number)
            continue
        else:
            cell = None if inner == {} else cell_text(inner)
        if name in cells:
            raise _Refused(f"row {number} has two values named {name!r}: have one of them renamed or left out.")
        cells[name] = cell


# --- pages ---------------------------------------------------------------------------------------------------------


def _pages(interface: _Interface, pulled: Pulled) -> Iterator[list[Any]]:
    """The rows of each answer, to the last one; what goes in circles, or ends too early, is refused."""
    from pipelines.catalogue.sources import shown

    entity = interface.entity
    params = shown(entity.params)
    if pulled.cursor_from is not None:
        params[entity.cursor_param] = since(interface.source, entity, pulled.cursor_from)
    steps = _Steps(entity, interface.first(), params)
    delivered, total = 0, None
    addresses: set[str] = set()
    contents: set[bytes] = set()
    while True:
        address = str(steps.url)
        if address in addresses:
            raise _Refused(
                f"{interface.shown(steps.url)} is asked for twice: its pages go in circles, correct `paging` in "
                "sources.yml or have the interface mended."
            )
        addresses.add(address)
        answer = interface.get(steps.url)
        rows = _records(answer.content, entity.records)
        content = hashlib.blake2b(repr(rows).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if rows and content in contents:
            raise _Refused(
                f"{interface.shown(steps.url)} delivers the same {len(rows)} rows once more: does the interface know "
                "the parameters of `paging` in sources.yml? If it gives its last page for ever, declare `total`."
            )
        contents.add(content)
        yield rows
        delivered += len(rows)
        total = _total(entity, answer, total)
        if not steps.onward(answer, rows, is_all=total is not None and delivered >= total):
            break
    if total is not None and delivered < total:
        raise _Refused(
            f"{interface.shown(steps.url)} speaks of {total:,} rows and delivered {delivered:,}: correct `paging` in "
            "sources.yml, or run again if rows were just deleted."
        )


class _Steps:
    """From one answer to the next, in one of the ways in which interfaces page."""

    def __init__(self, entity: Entity, first: httpx.URL, params: dict[str, Any]) -> None:
        self._entity, self._paging = entity, entity.paging
        self._seen: set[str] = set()
        self._number = 0
        self._is_first = True
        if self._paging and (page := self._paging.page):
            self._number = page.first
            params = {**params, page.param: str(page.first)}
            if page.size_param:
                params[page.size_param] = str(page.size)
        elif self._paging and (offset := self._paging.offset):
            params = {**params, offset.param: "0"}
            if offset.limit_param:
                params[offset.limit_param] = str(offset.limit)
        self.url = first.copy_merge_params(params) if params else first

    def onward(self, answer: _Answer, rows: list[Any], is_all: bool) -> bool:
        """Go to the next page; False where there is none."""
        paging = self._paging
        if paging is None:
            self._refuse_more(answer)
            return False
        # A full page says nothing, and neither does a short one: some interfaces give less than they are asked for.
        if paging.page:
            self._number += 1
            self.url = self.url.copy_set_param(paging.page.param, str(self._number))
            return bool(rows) and not is_all
        if paging.offset:
            self._number += len(rows)
            self.url = self.url.copy_set_param(paging.offset.param, str(self._number))
            return bool(rows) and not is_all
        if paging.link_header:
            target = answer.links.get(paging.link_header)
        else:
            path = paging.cursor.from_ if paging.cursor else paging.next_link
            assert path is not None
            is_there, target = _at(answer.content, path)
            if self._is_first and not is_there:
                self._refuse_more(answer)
        self._is_first = False
        if target in (None, "", False):
            return False
        if not isinstance(target, str):
            raise _Refused(f"what `paging` in sources.yml names is {_what(target)}: name the link or cursor itself.")
        if paging.cursor:
            if target in self._seen:
                raise _Refused(f"the cursor {target[:SHOWN_CHARACTERS]!r} comes twice: the pages go in circles.")
            self._seen.add(target)
            self.url = self.url.copy_set_param(paging.cursor.param, target)
        else:
            self.url = self.url.join(target)
        return True

    def _refuse_more(self, answer: _Answer) -> None:
        """Nothing may be left behind because nobody said how to ask for it."""
        said = [path for path, value in _scalars(answer.content) if value and value != "0"]
        found = ["the header Link"] if "next" in answer.links else []
        found += [f"`{path}`" for path in said if MORE.fullmatch(path.split(".")[-1])]
        if found:
            raise _Refused(f"{found[0]} speaks of more pages: say in `paging` in sources.yml how they are asked for.")


def _records(content: Any, path: str | None) -> list[Any]:
    if path:
        is_there, found = _at(content, path)
        if not is_there:
            keys = sorted(content) if isinstance(content, dict) else []
            near = get_close_matches(path, keys, n=1) or keys[:10]
            has = f"it has {', '.join(near)}" if near else f"it is {_what(content)}"
            raise _Refused(f"there is no {path!r} in the answer ({has}): correct `records` in sources.yml.")
        if found is None:
            return []
        if not isinstance(found, list):
            raise _Refused(f"{path!r} is {_what(found)}, no list of rows: correct `records` in sources.yml.")
        return found
    if isinstance(content, list):
        return content
    lists = {key: value for key, value in content.items() if isinstance(value, list)} if type(content) is dict else {}
    if len(lists) != 1:
        has = f"lists {', '.join(lists)}" if lists else f"{_what(content)}, and no list"
        raise _Refused(f"the answer has {has}: name the path of the rows in `records` in sources.yml.")
    return next(iter(lists.values()))


def _total(entity: Entity, answer: _Answer, before: int | None) -> int | None:
    """How many rows there are, as the interface sees it by now."""
    if entity.total_header:
        found = answer.headers.get(entity.total_header)
        name = f"the header {entity.total_header}"
    elif entity.total:
        found, name = _at(answer.content, entity.total)[1], f"{entity.total!r}"
    else:
        return None
    if found is None and before is not None:
        return before
    if found is None or not re.fullmatch(r"\d+", str(found)):
        raise _Refused(f"{name} in the answer is {_what(found)}, no number of rows: correct `total` in sources.yml.")
    return int(found)


def _at(content: Any, path: str) -> tuple[bool, Any]:
    """What stands at a path, and whether it is there; a key that has dots itself comes first."""
    if not isinstance(content, dict):
        return False, None
    if path in content:
        return True, content[path]
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        key = ".".join(parts[:length])
        if key in content:
            return _at(content[key], ".".join(parts[length:]))
    return False, None


def _scalars(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, dict):
                yield from _scalars(value, f"{prefix}{key}.")
            elif not isinstance(value, list):
                yield prefix + key, value


def _what(value: Any) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(list(value)[:10]) or "nothing in it")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "null" if value is None else repr(str(value)[:SHOWN_CHARACTERS])


# --- requests ------------------------------------------------------------------------------------------------------


@dataclass
class _Answer:
    content: Any
    headers: httpx.Headers
    links: dict[str, str]


class _Refused(Exception):
    """What is wrong, for people; another try would not mend it."""


class _Placed(_Refused):
    """The same, and which request it was."""


@dataclass
class _Stumbled(Exception):
    """What went wrong, for people; it may go better the next time."""

    message: str
    pause: float | None = None
    remedy: str = ""


@dataclass
class _Interface:
    """An interface, as one entity sees it: over one connection at a time."""

    source: Source
    entity: Entity
    _secrets: list[str] = field(default_factory=list)

    def __enter__(self) -> _Interface:
        """Nothing is sent yet."""
        from pipelines.catalogue.sources import shown

        self._secrets = self.source.secrets()
        self._silence = self.source.timeout.total_seconds() if self.source.timeout else SECONDS_OF_SILENCE
        self._headers = shown(self.source.headers)
        self._client = httpx.Client(
            timeout=self._silence,
            headers={"accept": "application/json", "user-agent": "service-commitments"},
            limits=httpx.Limits(max_connections=1),
        )
        self._base = httpx.URL(self.source.connection.get_secret_value())
        self._auth = self._authentication()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def first(self) -> httpx.URL:
        """Where the first page is."""
        path = f"{self._base.path.rstrip('/')}/{(self.entity.from_ or '').lstrip('/')}"
        return self._base.copy_with(path=path)

    def shown(self, url: httpx.URL) -> str:
        """An address as it may be shown: a query may hold a key."""
        return self._clean(str(url.copy_with(query=None, fragment=None, username=None, password=None)))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    @contextmanager
    def said_clearly(self) -> Iterator[None]:
        """Say what is wrong in a line, without secrets."""
        try:
            yield
        except (_Refused, UnicodeError, httpx.InvalidURL) as problem:
            words = self._clean(str(problem))
            if isinstance(problem, httpx.InvalidURL):
                words = f"an answer points to an address that is none ({words}): have the interface mended."
            if isinstance(problem, UnicodeError):
                words = f"a row holds text that is no valid Unicode ({words}): have it mended in the source."
            raise SourceError(self.source.name, self.entity.name, words) from None

    def get(self, url: httpx.URL) -> _Answer:
        """Ask for a page, and again where that may help."""
        return self._patiently(f"GET {self.shown(url)}", lambda: self._get(url))

    def _patiently(self, what: str, ask: Callable[[], Any]) -> Any:
        try:
            return patiently(
                ask,
                self.source.retries,
                lambda problem: isinstance(problem, _Stumbled),
                lambda problem: getattr(problem, "pause", None),
            )
        except _Stumbled as problem:
            tries = f", {self.source.retries + 1} times" if self.source.retries else ""
            again = f"{problem.remedy} Nothing of this pull has landed: run again later.".lstrip()
            raise _Placed(f"{what} {problem.message}{tries}. {again}") from None
        except _Placed:
            raise
        except _Refused as problem:
            raise _Placed(f"{what} {problem}") from None

    def _get(self, url: httpx.URL) -> _Answer:
        for _ in range(MOST_REDIRECTS + 1):
            # Keys and tokens are for the host in `connection` and for nobody to whom an answer points.
            is_ours = self._is_ours(url)
            response, body = self._send("GET", url, self._auth if is_ours else None, self._headers if is_ours else {})
            if not response.has_redirect_location:
                self._judge(response, body, is_ours)
                links = {name: link["url"] for name, link in response.links.items() if "url" in link}
                return _Answer(_content(response, body), response.headers, links)
            url = url.join(response.headers["location"])
        raise _Refused(f"is redirected more than {MOST_REDIRECTS} times: correct `connection` in sources.yml.")

    def _is_ours(self, url: httpx.URL) -> bool:
        same = url.host == self._base.host and (url.scheme, url.port) == (self._base.scheme, self._base.port)
        upgraded = url.host == self._base.host and (url.scheme, url.port, self._base.port) == ("https", None, None)
        return same or upgraded

    def _send(
        self, method: str, url: httpx.URL, auth: httpx.Auth | None, headers: dict[str, str], **more: Any
    ) -> tuple[httpx.Response, bytes]:
        body = bytearray()
        try:
            request = self._client.build_request(method, url, headers=headers, **more)
            response = self._client.send(request, auth=auth or _NOBODY, stream=True)
            until = monotonic() + self._silence * SILENCES_OF_AN_ANSWER
            try:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > LARGEST_ANSWER:
                        raise _Refused(
                            f"answers with more than {LARGEST_ANSWER >> 20} MB at once: ask for less with `paging` or "
                            "`params` in sources.yml."
                        )
                    if monotonic() > until:
                        raise httpx.ReadTimeout("the answer does not come to its end")
            finally:
                response.close()
        except httpx.TimeoutException:
            raise _Stumbled(f"gave no answer within {self._silence:g} s") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as problem:
            raise _Refused(f"points to an address that is none ({problem}).") from None
        except httpx.ConnectError as problem:
            if "CERTIFICATE_VERIFY_FAILED" in str(problem):
                raise _Refused(
                    f"shows a certificate that is not trusted ({problem}): correct `connection` in sources.yml, or "
                    "name the authority's file in the environment variable SSL_CERT_FILE."
                ) from None
            raise _Stumbled(
                f"cannot connect ({problem})",
                remedy=f"Is the server up, and is `connection` of {self.source.name} right?",
            ) from None
        except httpx.HTTPError as problem:
            raise _Stumbled(f"was cut off ({str(problem) or type(problem).__name__})") from None
        return response, bytes(body)

    def _judge(self, response: httpx.Response, body: bytes, is_ours: bool) -> None:
        status = response.status_code
        if response.is_success:
            return
        said = f"answered {status} {response.reason_phrase}{self._said(body)}"
        if status == 429 or status >= 500 or status == 408:
            asked = _retry_after(response.headers) if status in (429, 503) else None
            if asked is not None and asked > LONGEST_PAUSE:
                raise _Refused(
                    f"{said}, and asks for a pause of {asked:,.0f} s. Nothing of this pull has landed: run again then."
                )
            raise _Stumbled(said, asked)
        remedies = {
            401: f"the user, key or token is refused: correct `auth` of {self.source.name} (its environment variable).",
            403: f"`auth` of {self.source.name} is known and may not read this: give it the right to.",
            404: "correct `from` of the entity, or `connection`, in sources.yml.",
        }
        remedy = remedies.get(status, "correct `from` and `params` of the entity in sources.yml.")
        if not is_ours:
            remedy = f"no credentials were sent, as this is not {self._base.host}, the host of `connection`."
        raise _Refused(f"{said}: {remedy}")

    def _said(self, body: bytes) -> str:
        """What the server says about it, where that is no web page."""
        # A secret that is cut in two would not be found any more.
        text = self._clean(" ".join(body.decode("utf-8", "replace").split()))
        if not text or text.startswith("<"):
            return ""
        return f" ({text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + '…'})"

    # --- who asks

    def _authentication(self) -> httpx.Auth | None:
        auth = self.source.auth
        if auth is None:
            return None
        if auth.basic:
            return httpx.BasicAuth(auth.basic.user, auth.basic.password.get_secret_value())
        if auth.bearer:
            return _Key("Authorization", f"Bearer {auth.bearer.get_secret_value()}", is_header=True)
        if auth.api_key:
            name = auth.api_key.header or auth.api_key.query or ""
            return _Key(name, auth.api_key.value.get_secret_value(), is_header=bool(auth.api_key.header))
        assert auth.oauth2 is not None
        oauth2 = auth.oauth2
        return _Token(lambda: self._token(oauth2))

    def _token(self, oauth2: OAuth2) -> tuple[str, float | None]:
        """A new token, and how many seconds it is good for."""
        secret = oauth2.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials"}
        if oauth2.scope:
            form["scope"] = oauth2.scope
        auth: httpx.Auth | None = None
        if oauth2.credentials_in == "form":
            form |= {"client_id": oauth2.client_id, "client_secret": secret}
        else:
            auth = httpx.BasicAuth(oauth2.client_id, secret)
        url = httpx.URL(oauth2.token_url)

        def ask() -> tuple[str, float | None]:
            response, body = self._send("POST", url, auth, {}, data=form)
            if response.status_code in (400, 401, 403):
                raise _Refused(
                    f"answered {response.status_code} {response.reason_phrase}{self._said(body)}: the client is "
                    f"refused, correct `auth: {{oauth2: …}}` of {self.source.name} (its environment variables)."
                )
            self._judge(response, body, is_ours=True)
            content = _content(response, body)
            token = content.get("access_token") if isinstance(content, dict) else None
            if not isinstance(token, str) or not token:
                raise _Refused("gives no access_token: correct `token_url` in sources.yml.")
            self._secrets.insert(0, token)
            lasts = content.get("expires_in")
            return token, float(lasts) if isinstance(lasts, Number) else None

        found: tuple[str, float | None] = self._patiently(f"POST {self.shown(url)}", ask)
        return found


class _Key(httpx.Auth):
    """The same header or parameter with every request."""

    def __init__(self, name: str, value: str, is_header: bool) -> None:
        self._name, self._value, self._is_header = name, value, is_header

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._is_header:
            request.headers[self._name] = self._value
        else:
            request.url = request.url.copy_set_param(self._name, self._value)
        yield request


class _Token(httpx.Auth):
    """A token that is renewed when it ends, and once when it is refused."""

    def __init__(self, renew: Callable[[], tuple[str, float | None]]) -> None:
        self._renew = renew
        self._token: str | None = None
        self._until: float | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        is_new = self._token is None or (self._until is not None and monotonic() >= self._until)
        if is_new:
            self._ask()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == 401 and not is_new:
            # There is but one connection, and the token is asked for over it.
            response.read()
            self._ask()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _ask(self) -> None:
        self._token, lasts = self._renew()
        self._until = None if lasts is None else monotonic() + max(lasts - SECONDS_OF_LEEWAY, lasts / 2)


# --- answers -------------------------------------------------------------------------------------------------------


def _content(response: httpx.Response, body: bytes) -> Any:
    try:
        return JSON.decode(body.decode(response.charset_encoding or "utf-8").removeprefix("\ufeff").strip())
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, RecursionError) as problem:
        if body.lstrip().startswith(b"<"):
            raise _Refused(
                "answered with a web page or XML instead of JSON (a page to log in?): correct `connection`, `from` or "
                "`auth` in sources.yml."
            ) from None
        raise _Stumbled(f"answered with broken JSON ({problem})") from None


def _retry_after(headers: httpx.Headers) -> float | None:
    """How many seconds the server asks to wait: a number, or a date by its own clock."""
    asked = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", asked):
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return None
    try:
        now = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    return max(0.0, (moment.astimezone(UTC) - now.astimezone(UTC)).total_seconds())

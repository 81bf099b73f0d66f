"""sources.yml, kind rest: how an interface asks who we are, and how it hands out its rows page by page."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from pipelines.catalogue.base import Model, Text, Whole, as_text
from pipelines.catalogue.reading import File, WrittenDict


def is_from_environment(value: Any) -> bool:
    """Say whether a value of a file holds something that the environment has put there."""
    return "${" in getattr(value, "written", "")


def _secret(value: Any) -> Any:
    # What code gives is its own affair; a file is copied, shown and kept in version control.
    if hasattr(value, "written") and not is_from_environment(value):
        # Its message is printed and kept in logs: the value is left out.
        raise PydanticCustomError(
            "secret_in_file", "must not be in the file; write ${NAME} and put it into that environment variable"
        )
    return as_text(value)


def _own_words(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_own_words(item) for item in value)
    return SecretStr(str(value)) if is_from_environment(value) else as_text(value)


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
# What comes from the environment stays hidden; the rest of a header or parameter may be shown.
Value = Annotated[str | SecretStr, BeforeValidator(_own_words)]
Values = Annotated[str | SecretStr | tuple[str | SecretStr, ...], BeforeValidator(_own_words)]


class _OneOf(Model):
    """A choice: exactly one of its keys is written."""

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note a choice that is none, or more than one."""
        if len(data) != 1 and not data.unknown:
            keys = ", ".join(name for name in cls.model_fields)
            has = f"has {', '.join(data)}; keep one" if data else f"is empty; write one of {keys}"
            file.mistake(data, f"{file.label(data)} {has}")
        return data


class Basic(Model):
    """A user and a password with every request."""

    user: Text = Field(description="the name of the user")
    password: Secret = Field(description="its password, as ${NAME}")


class ApiKey(Model):
    """A key in a header, or in a parameter of the query."""

    header: Text | None = None
    query: Text | None = None
    value: Secret = Field(description="the key, as ${NAME}")

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note a key that goes nowhere, or to two places."""
        if ("header" in data) == ("query" in data) and not data.unknown:
            file.mistake(
                data,
                f"{file.label(data)} needs either `header` or `query`: the name under which the key is sent, "
                "e.g. {header: X-Api-Key, value: …}",
            )
        return data


class OAuth2(Model):
    """Client credentials, for which a token is asked that expires."""

    token_url: Text = Field(description="where tokens are asked for, e.g. https://login.example.com/oauth/token")
    client_id: Text = Field(description="the name of this client")
    client_secret: Secret = Field(description="its secret, as ${NAME}")
    scope: Text | None = None
    # RFC 6749 wants servers to take them in the header; some take them in the form only.
    credentials_in: Literal["header", "form"] = "header"


class Auth(_OneOf):
    """How an interface is told who asks."""

    basic: Basic | None = None
    bearer: Secret | None = None
    api_key: ApiKey | None = None
    oauth2: OAuth2 | None = None

    def secrets(self) -> list[str]:
        """Return what must never be shown."""
        found = [
            self.bearer,
            self.basic and self.basic.password,
            self.api_key and self.api_key.value,
            self.oauth2 and self.oauth2.client_secret,
        ]
        secrets = [secret.get_secret_value() for secret in found if secret]
        pairs = [(self.basic.user, self.basic.password)] if self.basic else []
        pairs += [(self.oauth2.client_id, self.oauth2.client_secret)] if self.oauth2 else []
        # As they are sent, which a server may repeat.
        return secrets + [b64encode(f"{user}:{one.get_secret_value()}".encode()).decode() for user, one in pairs]


class CursorPaging(Model):
    """Each answer names the place at which the next one begins."""

    param: Text = Field(description="the parameter that takes it, e.g. cursor")
    from_: Text = Field(alias="from", description="where in an answer the next one stands, e.g. meta.next_cursor")


class PagePaging(Model):
    """Pages are numbered; an empty one is behind the last."""

    param: Text = Field(description="the parameter that takes the number, e.g. page")
    first: Whole = Field(1, ge=0)
    size_param: Text | None = None
    size: Whole | None = Field(None, ge=1)


class OffsetPaging(Model):
    """Rows are numbered; an empty answer is behind the last."""

    param: Text = Field(description="the parameter that takes the number of rows to pass over, e.g. offset")
    limit_param: Text | None = None
    limit: Whole | None = Field(None, ge=1)


class Paging(_OneOf):
    """How the rows that do not fit into one answer are asked for."""

    next_link: Text | None = None
    link_header: Text | None = None
    cursor: CursorPaging | None = None
    page: PagePaging | None = None
    offset: OffsetPaging | None = None

    @classmethod
    def as_written(cls, data: WrittenDict, file: File) -> WrittenDict:
        """Note a size without the parameter that takes it, and the other way round."""
        for kind, pair in (("page", ("size_param", "size")), ("offset", ("limit_param", "limit"))):
            given = data.get(kind)
            lacking = [key for key in pair if isinstance(given, dict) and given.get(key) is None]
            if len(lacking) == 1:
                file.mistake(given, f"`{lacking[0]}` is missing in {file.label(given)}: give both of {', '.join(pair)}")
        return super().as_written(data, file)

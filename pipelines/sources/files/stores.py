"""Where files lie: a folder of this machine, a bucket or a server; each lists, and gives a file as a path."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from pipelines.home import Home
from pipelines.sources.files.broken import Broken, first_line
from pipelines.sources.patience import patiently
from pipelines.sources.pulled import SourceError

if TYPE_CHECKING:
    from pipelines.catalogue.sources import Source, StoreOptions

Given = TypeVar("Given")

TIMEOUT = timedelta(seconds=60)
# A server tells the time of a change to the second: a file that changed just now may change again within it.
SETTLED = timedelta(minutes=1)

CORRECT = "Correct `connection` or `options` in sources.yml"


@dataclass(frozen=True)
class Entry:
    """A file or folder, named from the folder of the source on."""

    name: str
    is_folder: bool = False
    is_link: bool = False
    size: int = 0
    version: str | None = None
    """The same only where the content is the same; None where only reading tells."""


class Folder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        """Nothing is looked at yet."""
        self.root = root

    def shown(self, name: str = "") -> str:
        """Return where a file lies, for messages."""
        return str(self.root / name)

    def stat(self, name: str) -> Entry | None:
        """Return what lies under a name, or None."""
        path = self.root / name
        try:
            if path.is_dir():
                if not name:
                    os.scandir(path).close()
                return Entry(name, is_folder=True)
            return Entry(name, size=path.stat().st_size)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list(self, folder: str) -> list[Entry]:
        """Return what lies in a folder."""
        with os.scandir(self.root / folder) as listing:
            return [
                Entry(joined(folder, entry.name), entry.is_dir(), entry.is_symlink())
                for entry in listing
                if entry.is_dir() or entry.is_file()
            ]

    @contextmanager
    def copy(self, entry: Entry, temporary: Path) -> Iterator[Path]:
        """Give the file itself, and see that it has not changed when it has been read."""
        path = self.root / entry.name
        before = path.stat()
        yield path
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise Broken("changed while it was being read", remedy="Run again once it is whole")

    def close(self) -> None:
        """Nothing was opened."""


class _Remote:
    """A place that fsspec reaches; a file is copied here before it is read, once, and the copy is removed."""

    needs: str
    extra: str

    def __init__(self, source: Source) -> None:
        """Nothing is connected yet."""
        self.url = urlsplit(source.connection.get_secret_value())
        self.options: StoreOptions = source.options
        self.timeout = (source.timeout or TIMEOUT).total_seconds()
        self.retries = source.retries
        self._filesystem: Any = None

    def shown(self, name: str = "") -> str:
        """Return where a file lies, without user and password."""
        host = self.url.netloc.rpartition("@")[2]
        return f"{self.url.scheme}://{host}{joined(self.url.path.rstrip('/'), name)}"

    def stat(self, name: str) -> Entry | None:
        """Return what lies under a name, or None."""
        try:
            return self._entry(self._asked(lambda store: store.info(self._path(name))), name)
        except FileNotFoundError:
            return None

    def list(self, folder: str) -> list[Entry]:
        """Return what lies in a folder."""
        path = self._path(folder)
        found = self._asked(lambda store: store.ls(path, detail=True))
        entries = []
        for info in found:
            # A bucket may hold an empty object that stands for the folder itself.
            last = info["name"].rstrip("/").rpartition("/")[2]
            if info["name"].strip("/") == path.strip("/") or not last:
                continue
            entries.append(self._entry(info, joined(folder, last)))
        return entries

    @contextmanager
    def copy(self, entry: Entry, temporary: Path) -> Iterator[Path]:
        """Give a copy of the file, and see that it is whole and of one version."""
        # The ending of the name says how it is read.
        path = temporary / f"copy-{PurePosixPath(entry.name).name[-100:]}"
        try:
            try:
                self._asked(lambda store: store.get_file(self._path(entry.name), str(path)))
                now = self.stat(entry.name)
            except FileNotFoundError:
                now = None
            if now is None:
                raise Broken("is gone while it was to be read")
            if path.stat().st_size != now.size or (now.size, now.version) != (entry.size, entry.version):
                raise Broken("changed while it was being read", remedy="Run again once it is whole")
            yield path
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the connection."""
        self._filesystem = None

    def _asked(self, question: Callable[[Any], Given]) -> Given:
        def ask() -> Given:
            try:
                if self._filesystem is None:
                    self._filesystem = self._connected()
                return question(self._filesystem)
            except Exception as problem:
                self._raise(problem)
                self.close()
                raise

        try:
            return patiently(ask, self.retries, self._may_pass)
        except (Broken, FileNotFoundError):
            raise
        except Exception as problem:
            raise Broken(
                f"cannot be reached ({first_line(problem)})",
                remedy="See whether the server is up and the network lets this machine through, then run again",
            ) from None

    def _connected(self) -> Any:
        raise NotImplementedError

    def _path(self, name: str) -> str:
        raise NotImplementedError

    def _entry(self, info: dict[str, Any], name: str) -> Entry:
        raise NotImplementedError

    def _raise(self, problem: Exception) -> None:
        """Raise what waiting does not mend, in words."""
        raise NotImplementedError

    def _may_pass(self, problem: BaseException) -> bool:
        """Say whether another attempt may do better."""
        raise NotImplementedError


class Bucket(_Remote):
    """A bucket of S3, or of what speaks like it."""

    needs = "s3fs"
    extra = "s3"

    def _connected(self) -> Any:
        import s3fs

        said = self.options
        client = {"endpoint_url": said.endpoint_url, "region_name": said.region}
        return s3fs.S3FileSystem(
            key=said.key.get_secret_value() if said.key else None,
            secret=said.secret.get_secret_value() if said.secret else None,
            token=said.token.get_secret_value() if said.token else None,
            client_kwargs={name: value for name, value in client.items() if value},
            config_kwargs={
                "connect_timeout": self.timeout,
                "read_timeout": self.timeout,
                "retries": {"total_max_attempts": self.retries + 1, "mode": "standard"},
            },
            # What another source was shown yesterday, or with other keys, is nothing to go by.
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    def stat(self, name: str) -> Entry | None:
        """Return what lies under a name; a bucket has no folders, so that the first is always there."""
        return super().stat(name) if name else Entry(name, is_folder=True)

    def list(self, folder: str) -> list[Entry]:
        """Return what lies under a prefix, which may be nothing."""
        try:
            return super().list(folder)
        except FileNotFoundError:
            return []

    def _path(self, name: str) -> str:
        return joined(f"{self.url.netloc}{self.url.path}".rstrip("/"), name)

    def _entry(self, info: dict[str, Any], name: str) -> Entry:
        etag = str(info.get("ETag") or "").strip('"')
        return Entry(name, info["type"] == "directory", size=info.get("size") or 0, version=etag or None)

    def _raise(self, problem: Exception) -> None:
        from botocore.exceptions import NoCredentialsError, PartialCredentialsError

        answer = getattr(problem.__cause__ or problem, "response", None) or {}
        code = answer.get("Error", {}).get("Code", "")
        if code == "NoSuchBucket":
            raise Broken(f"lies in a bucket that does not exist ({self.url.netloc})", remedy=CORRECT) from None
        if isinstance(problem, FileNotFoundError):
            raise problem
        if isinstance(problem, NoCredentialsError | PartialCredentialsError):
            raise Broken(
                "cannot be read without credentials",
                remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name them in `options` of sources.yml",
            ) from None
        if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
            raise Broken(
                f"refuses the credentials ({code})", remedy="Renew them where the environment sets them"
            ) from None
        if isinstance(problem, PermissionError):
            raise Broken(
                f"may not be read with these credentials ({code or first_line(problem)})",
                # Amazon does not say of a single object whether the key is unknown or the right is missing.
                remedy="See that they are right and have s3:ListBucket and s3:GetObject there, then run again",
            ) from None

    def _may_pass(self, problem: BaseException) -> bool:
        # The client has made all its attempts by then.
        return False


class Server(_Remote):
    """A folder of a server that speaks SFTP."""

    needs = "paramiko"
    extra = "sftp"

    def _connected(self) -> Any:
        from fsspec.implementations.sftp import SFTPFileSystem

        keys, timeout = self._known_hosts(), self.timeout

        class Verified(SFTPFileSystem):
            # fsspec itself trusts whatever server answers.
            def _connect(self) -> None:
                import paramiko

                self.client = paramiko.SSHClient()
                self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
                for key in keys:
                    self.client.get_host_keys().add(key[0], key[1].get_name(), key[1])
                self.client.connect(self.host, **self.ssh_kwargs)
                self.ftp = self.client.open_sftp()
                self.ftp.get_channel().settimeout(timeout)

        said = self.options
        password = said.password.get_secret_value() if said.password else unquote(self.url.password or "")
        return Verified(
            self.url.hostname,
            port=self.url.port or 22,
            username=unquote(self.url.username or "") or None,
            password=password or None,
            key_filename=said.key_file,
            passphrase=said.passphrase.get_secret_value() if said.passphrase else None,
            timeout=timeout,
            banner_timeout=timeout,
            auth_timeout=timeout,
            # With a password given, keys that lie about would only use up the attempts that a server grants.
            allow_agent=not password,
            look_for_keys=not password and not said.key_file,
            skip_instance_cache=True,
        )

    def _known_hosts(self) -> list[tuple[str, Any]]:
        import paramiko

        name = self.url.hostname or ""
        name = name if self.url.port in (None, 22) else f"[{name}]:{self.url.port}"
        if self.options.host_key:
            try:
                kind, text = self.options.host_key.split()[:2]
                line = paramiko.hostkeys.HostKeyEntry.from_line(f"{name} {kind} {text}")
            except (ValueError, paramiko.SSHException):
                line = None
            if line is None or line.key is None:
                raise Broken(
                    "has a `host_key` in sources.yml that is none",
                    remedy="Write it like `ssh-ed25519 AAAA…`, as `ssh-keyscan HOST` prints it",
                )
            return [(name, line.key)]
        file = Path(self.options.known_hosts or "~/.ssh/known_hosts").expanduser()
        hosts = paramiko.HostKeys()
        with suppress(FileNotFoundError):
            hosts.load(str(file))
        return [(name, key) for key in (hosts.lookup(name) or {}).values()]

    def close(self) -> None:
        """End the connection."""
        if self._filesystem is not None:
            with suppress(Exception):
                self._filesystem.client.close()
        super().close()

    def list(self, folder: str) -> list[Entry]:
        """Return what lies in a folder, links as what they lead to."""
        found = []
        for entry in super().list(folder):
            there = self.stat(entry.name) if entry.is_link else entry
            if there is not None:
                found.append(replace(there, is_link=entry.is_link))
        return found

    def _path(self, name: str) -> str:
        return joined(unquote(self.url.path).rstrip("/") or "/", name)

    def _entry(self, info: dict[str, Any], name: str) -> Entry:
        if info["type"] == "link":
            return Entry(name, is_link=True)
        changed: datetime = info["mtime"]
        is_settled = datetime.now(UTC) - changed > SETTLED
        version = f"{info['size']} {changed.isoformat()}" if is_settled else None
        return Entry(name, info["type"] == "directory", size=info["size"], version=version)

    def _raise(self, problem: Exception) -> None:
        import paramiko

        if isinstance(problem, FileNotFoundError | Broken):
            raise problem
        if isinstance(problem, paramiko.BadHostKeyException):
            raise Broken(
                "is on a server whose host key is another than the known one: it may not be the server it says it is",
                remedy="Ask its owner for the new key, then correct known_hosts or `options: {host_key: …}`",
            ) from None
        if isinstance(problem, paramiko.AuthenticationException):
            user = unquote(self.url.username or "")
            of = f" of user {user}" if user else ""
            raise Broken(f"is on a server that refuses the password or key{of}", remedy=CORRECT) from None
        if isinstance(problem, paramiko.SSHException) and "known_hosts" in str(problem):
            raise Broken(
                "is on a server whose host key is not known",
                remedy="Ask its owner for the key, and write it into known_hosts or `options: {host_key: …}`",
            ) from None
        if isinstance(problem, PermissionError):
            user = unquote(self.url.username or "")
            raise Broken(
                f"may not be read by user {user or 'of this connection'}",
                remedy="Let the server's owner give the right to, then run again",
            ) from None
        if isinstance(problem, socket.gaierror):
            raise Broken(f"is on a host that nobody knows ({self.url.hostname})", remedy=CORRECT) from None

    def _may_pass(self, problem: BaseException) -> bool:
        import paramiko

        # What is not there will not be there a second later.
        return isinstance(problem, OSError | EOFError | paramiko.SSHException) and not isinstance(
            problem, FileNotFoundError
        )


Store = Folder | Bucket | Server


def store_of(source: Source, entity: str, home: Home) -> Store:
    """Return where the files of a source lie; nothing is connected yet."""
    connection = source.connection.get_secret_value()
    scheme = re.match(r"([a-z0-9+]+)://", connection)
    if scheme is None or scheme[1] == "file":
        return Folder(source.folder(home))
    remote = Bucket(source) if scheme[1] == "s3" else Server(source)
    try:
        __import__(remote.needs)
    except ImportError:
        raise SourceError(
            source.name,
            entity,
            f"{scheme[1]}:// needs the package {remote.needs}, which is not installed: "
            f"pip install 'service-commitments[{remote.extra}]'.",
        ) from None
    return remote


def joined(folder: str, name: str) -> str:
    """Return a name within a folder."""
    return str(PurePosixPath(folder) / name) if folder and name else folder or name

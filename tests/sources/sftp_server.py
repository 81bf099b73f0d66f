"""An SFTP server over a folder of this machine: SSH as it is, with a password and a host key."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko

USER, PASSWORD = "carrier", "s3cret-of-the-carrier"


class _Login(paramiko.ServerInterface):
    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_auth_password(self, username: str, password: str) -> int:
        is_right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, *, owner: SftpServer) -> None:
        super().__init__(server)
        self._owner = owner

    def _path(self, path: str) -> str:
        return str(self._owner.root) + self.canonicalize(path)

    def _answer(self, path: str, ask: Any) -> Any:
        if any(path.startswith(closed) for closed in self._owner.closed):
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            return ask(self._path(path))
        except OSError as problem:
            return paramiko.SFTPServer.convert_errno(problem.errno)

    def list_folder(self, path: str) -> Any:
        def listed(real: str) -> list[paramiko.SFTPAttributes]:
            return [
                paramiko.SFTPAttributes.from_stat(os.lstat(os.path.join(real, name)), name) for name in os.listdir(real)
            ]

        return self._answer(path, listed)

    def stat(self, path: str) -> Any:
        return self._answer(path, lambda real: paramiko.SFTPAttributes.from_stat(os.stat(real)))

    def lstat(self, path: str) -> Any:
        return self._answer(path, lambda real: paramiko.SFTPAttributes.from_stat(os.lstat(real)))

    def open(self, path: str, flags: int, attr: Any) -> Any:
        def opened(real: str) -> Any:
            self._owner.opened.append(path)
            if self._owner.cut_off > 0:
                self._owner.cut_off -= 1
                self._owner.hang_up()
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = open(real, "rb")  # noqa: SIM115
            return handle

        return self._answer(path, opened)


class SftpServer:
    """Serves ``root`` until it is stopped."""

    def __init__(self, root: Path) -> None:
        """``closed`` may not be read; ``opened`` has been; so many openings are ``cut_off`` by a lost connection."""
        self.root = root
        self.closed: list[str] = []
        self.opened: list[str] = []
        self.cut_off = 0
        self.key = paramiko.ECDSAKey.generate()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def host_key(self) -> str:
        """As ssh-keyscan prints it."""
        return f"{self.key.get_name()} {self.key.get_base64()}"

    def url(self, path: str = "/out", user: str = USER, password: str = PASSWORD) -> str:
        """What stands in sources.yml."""
        return f"sftp://{user}:{password}@127.0.0.1:{self.port}{path}"

    def hang_up(self) -> None:
        """End every connection."""
        for transport in self._transports:
            transport.close()

    def stop(self) -> None:
        """End it all."""
        self._socket.close()
        self.hang_up()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, owner=self)
            self._transports.append(transport)
            try:
                transport.start_server(server=_Login())
            except (paramiko.SSHException, EOFError):
                continue

"""Buckets and servers: new and changed files only, copied once, whole, and with the words for what goes wrong."""

from __future__ import annotations

import gzip
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipelines.catalogue.sources import StoreOptions
from pipelines.home import Home
from pipelines.sources import SourceError
from pipelines.sources.files import stores
from pipelines.sources.files.broken import Broken

from .conftest import Bench, rows
from .sftp_server import PASSWORD, SftpServer

ORDERS = b"order,step\n1,open\n2,close\n"
AS_LANDED = [{"order": "1", "step": "open"}, {"order": "2", "step": "close"}]
LONG_AGO = 1_767_225_600


# --- S3


class Bucket:
    """A bucket on moto's server, and what was asked of it."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self.client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="s3cret", region_name="us-east-1"
        )
        self.client.create_bucket(Bucket=name)

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def check_keys_after(self, requests: bytes) -> None:
        headers = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", requests, headers, method="POST")
        urllib.request.urlopen(request).close()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, request: pytest.FixtureRequest) -> Bucket:
    return Bucket(s3, f"deliveries-{abs(hash(request.node.nodeid)) % 10**9}")


@pytest.fixture
def on_s3(bench: Bench, bucket: Bucket) -> Bench:
    bench.connection, bench.settings = f"s3://{bucket.name}/in", {"retries": 1}
    bench.options = StoreOptions(endpoint_url=bucket.url, region="us-east-1", key="key", secret="s3cret")
    return bench


def test_a_bucket_lands_its_files_and_then_only_new_and_changed_ones(on_s3: Bench, bucket: Bucket) -> None:
    for number in (10, 9):
        bucket.put(f"in/2026/orders_{number}.csv", b"order\n%d\n" % number)
    bucket.put("in/2026/", b"")
    bucket.put("in/2026/deeper/orders_1.csv", b"order\n1\n")
    bucket.put("elsewhere/orders_1.csv", b"order\n1\n")
    first = on_s3.pull("2026/*.csv")
    again = on_s3.pull("2026/*.csv")
    bucket.put("in/2026/orders_9.csv", b"order\n9\n99\n")
    bucket.put("in/2026/orders_11.csv.gz", gzip.compress(b"order\n11\n"))
    second = on_s3.pull("2026/*.csv*")

    assert first
    assert second
    assert again is None
    assert [row["order"] for row in rows(first)] == ["9", "10"]
    assert [row["order"] for row in rows(second)] == ["9", "99", "11"]
    assert [file["name"] for file in second.files] == ["2026/orders_9.csv", "2026/orders_11.csv.gz"]


def test_an_unchanged_object_is_not_sent_again(on_s3: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    bucket.put("in/orders.csv", ORDERS)
    assert on_s3.rows("orders.csv") == AS_LANDED
    bucket.put("in/orders.csv", ORDERS)
    monkeypatch.setattr(s3fs.S3FileSystem, "get_file", None)

    assert on_s3.pull("orders.csv") is None


def test_an_object_with_a_new_tag_and_the_old_content_is_no_news(on_s3: Bench, bucket: Bucket) -> None:
    bucket.put("in/orders.csv", ORDERS)
    on_s3.pull("orders.csv")
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="in/orders.csv")["UploadId"]
    of = {"Bucket": bucket.name, "Key": "in/orders.csv", "UploadId": upload}
    tag = bucket.client.upload_part(**of, PartNumber=1, Body=ORDERS)["ETag"]
    bucket.client.complete_multipart_upload(**of, MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": 1}]})

    assert on_s3.pull("orders.csv") is None
    assert on_s3.pull("orders.csv", full_refresh=True)


@pytest.mark.parametrize("name", ["orders.parquet", "orders.xlsx", "log.xes", "log.jsonocel"])
def test_other_formats_of_a_bucket_are_read_from_their_copies(on_s3: Bench, bucket: Bucket, name: str) -> None:
    bucket.put(f"in/{name}", b"nothing whole")

    with pytest.raises(SourceError, match=rf"s3://{bucket.name}/in/{name}.* is "):
        on_s3.pull(name, object_type="order")

    assert on_s3.nothing_landed()


def test_what_is_wrong_with_a_bucket_is_said_with_what_to_do(
    on_s3: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("in/orders.csv", ORDERS)

    def said(from_: str = "orders.csv") -> str:
        with pytest.raises(SourceError) as refused:
            on_s3.pull(from_)
        assert "s3cret" not in str(refused.value)
        return str(refused.value)

    assert "in/order.csv does not exist: deliver it, or correct `from` in sources.yml (there is orders.csv)" in said(
        "order.csv"
    )
    assert f"no file in s3://{bucket.name}/in matches '*.xlsx'" in said("*.xlsx")

    on_s3.connection = "s3://no-such-bucket/in"
    for from_ in ("orders.csv", "*.csv"):
        assert "lies in a bucket that does not exist (no-such-bucket). Correct `connection`" in said(from_)

    on_s3.connection = f"s3://{bucket.name}/in"
    bucket.check_keys_after(b"0")
    try:
        assert "may not be read with these credentials (403). See that they are right" in said()
        with pytest.raises(Broken, match=r"refuses the credentials \(InvalidAccessKeyId\)"):
            stores.Bucket(on_s3.source()).list("")
    finally:
        bucket.check_keys_after(b"inf")

    on_s3.options = StoreOptions(endpoint_url="http://127.0.0.1:9", key="key", secret="s3cret")
    assert "cannot be reached (Could not connect to the endpoint URL" in said()

    on_s3.options = StoreOptions(endpoint_url=bucket.url)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert "cannot be read without credentials. Set AWS_ACCESS_KEY_ID" in said()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    assert on_s3.nothing_landed()
    assert on_s3.rows("orders.csv") == AS_LANDED


def test_a_package_that_is_not_installed_is_named_with_how_to_get_it(
    on_s3: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)

    with pytest.raises(SourceError, match=r"s3:// needs the package s3fs, .* pip install 'service-commitments\[s3\]'"):
        on_s3.pull("orders.csv")


# --- SFTP


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    root = tmp_path / "server"
    (root / "out" / "sub").mkdir(parents=True)
    server = SftpServer(root)
    yield server
    server.stop()


@pytest.fixture
def on_sftp(tmp_path: Path, server: SftpServer) -> Bench:
    home = tmp_path / "home"
    home.mkdir()
    return Bench(Home(home), server.url(), options=StoreOptions(host_key=server.host_key), settings={"retries": 1})


def put(server: SftpServer, name: str, content: bytes, changed: int = LONG_AGO) -> None:
    path = server.root / "out" / name
    path.write_bytes(content)
    os.utime(path, (changed, changed))


def test_a_server_lands_its_files_and_then_only_new_and_changed_ones(on_sftp: Bench, server: SftpServer) -> None:
    put(server, "orders_1.csv", ORDERS)
    put(server, "sub/orders_2.csv", b"order,step\n3,open\n")
    first = on_sftp.pull("**/*.csv")
    server.opened.clear()
    again = on_sftp.pull("**/*.csv")
    sent_again = list(server.opened)
    put(server, "orders_1.csv", ORDERS + b"4,open\n", LONG_AGO + 1)
    second = on_sftp.pull("**/*.csv")

    assert first
    assert second
    assert (again, sent_again) == (None, [])
    assert [row["order"] for row in rows(first)] == ["1", "2", "3"]
    assert [row["order"] for row in rows(second)] == ["1", "2", "4"]
    assert server.opened == ["/out/orders_1.csv"]


def test_a_touched_file_is_no_news_and_one_that_changed_just_now_is_looked_at_again(
    on_sftp: Bench, server: SftpServer
) -> None:
    put(server, "orders.csv", ORDERS)
    on_sftp.pull("orders.csv")
    put(server, "orders.csv", ORDERS, LONG_AGO + 1)
    touched = on_sftp.pull("orders.csv")
    just_now = int(os.stat(on_sftp.home.root).st_mtime) + 3600
    put(server, "orders.csv", ORDERS.replace(b"close", b"again"), just_now)
    on_sftp.pull("orders.csv")
    put(server, "orders.csv", ORDERS.replace(b"close", b"other"), just_now)
    same_second = on_sftp.pull("orders.csv")

    assert touched is None
    assert same_second
    assert rows(same_second)[1]["step"] == "other"


def test_links_on_a_server_are_followed_but_not_round_in_circles(on_sftp: Bench, server: SftpServer) -> None:
    put(server, "orders.csv", ORDERS)
    (server.root / "out" / "sub" / "up").symlink_to(server.root / "out")
    (server.root / "out" / "latest.csv").symlink_to(server.root / "out" / "orders.csv")
    (server.root / "out" / "gone.csv").symlink_to(server.root / "out" / "nowhere.csv")

    batch = on_sftp.pull("**/*.csv")

    assert batch
    assert [file["name"] for file in batch.files] == ["latest.csv", "orders.csv"]


def test_a_connection_that_is_cut_off_is_made_again(on_sftp: Bench, server: SftpServer) -> None:
    put(server, "orders.csv", ORDERS)
    server.cut_off = 1

    assert on_sftp.rows("orders.csv") == AS_LANDED

    server.cut_off = 99
    with pytest.raises(SourceError, match=r"orders\.csv cannot be reached \(.*run again\.$"):
        on_sftp.pull("orders.csv", full_refresh=True)
    assert len(on_sftp.batches) == 1


def test_what_is_wrong_with_a_server_is_said_with_what_to_do(
    on_sftp: Bench, server: SftpServer, tmp_path: Path
) -> None:
    put(server, "orders.csv", ORDERS)

    def said(from_: str = "orders.csv") -> str:
        with pytest.raises(SourceError) as refused:
            on_sftp.pull(from_)
        assert PASSWORD not in str(refused.value)
        assert "wrong-one" not in str(refused.value)
        return str(refused.value)

    where = f"sftp://127.0.0.1:{server.port}/out"
    assert f"{where}/order.csv does not exist: deliver it, or correct `from` in sources.yml (there is" in said(
        "order.csv"
    )
    server.closed = ["/out/orders.csv"]
    assert f"{where}/orders.csv may not be read by user carrier" in said("*.csv")
    server.closed = ["/out"]
    assert f"{where} may not be read by user carrier. Let the server's owner give the right to" in said()
    server.closed = []

    on_sftp.connection = server.url("/nowhere")
    assert "/nowhere does not exist: create it, or correct `connection` of crm" in said()

    on_sftp.connection = server.url(password="wrong-one")
    assert "is on a server that refuses the password or key of user carrier. Correct `connection`" in said()

    on_sftp.connection = server.url()
    on_sftp.options = StoreOptions(known_hosts=str(tmp_path / "none"))
    assert "is on a server whose host key is not known. Ask its owner for the key" in said()

    other = SftpServer(server.root)
    other.stop()
    on_sftp.options = StoreOptions(host_key=other.host_key)
    assert "is on a server whose host key is another than the known one" in said()
    on_sftp.options = StoreOptions(host_key="what?")
    assert "has a `host_key` in sources.yml that is none. Write it like" in said()

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    on_sftp.connection = f"sftp://carrier:{PASSWORD}@127.0.0.1:{port}/out"
    on_sftp.options = StoreOptions(host_key=server.host_key)
    assert "cannot be reached (" in said()
    assert on_sftp.nothing_landed()

    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    on_sftp.connection = f"sftp://carrier@127.0.0.1:{server.port}/out"
    on_sftp.options = StoreOptions(known_hosts=str(known_hosts), password=PASSWORD)
    assert on_sftp.rows("orders.csv") == AS_LANDED

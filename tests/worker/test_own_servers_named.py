"""No webhook goes to a server that the settings name, whatever networks are allowed."""

from pathlib import Path

import pytest

from services.core.settings import DoorSettings
from services.core.webhooks.addresses import TargetUrl, check_url
from services.worker.settings import WorkerSettings

NAMED = {
    "DATABASE_URL": "postgresql://wufei@10.20.0.1/wufei",
    "DATABASE_DIRECT_URL": "postgresql://wufei@10.20.0.2:6000/wufei",
    "DATABASE_REPLICA_URL": "postgresql://wufei@10.20.0.3/wufei postgresql://wufei@10.20.0.4/wufei",
    "REDIS_URL": "redis://10.20.0.5:6379/0",
    "AWS_ENDPOINT_URL": "http://10.20.0.6:9000",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.20.0.7:4318",
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> WorkerSettings:
    for name, value in {**NAMED, "WUFEI_WEBHOOK_ALLOW_CIDRS": "10.20.0.0/16"}.items():
        monkeypatch.setenv(name, value)
    for name in ("key", "hosts"):
        (tmp_path / name).touch()
    drops = f"sftp://county@10.20.0.8/drops?key={tmp_path}/key&known_hosts={tmp_path}/hosts"
    monkeypatch.setenv("WUFEI_DROPS", drops)
    return WorkerSettings()


@pytest.mark.parametrize("last", range(1, 9))
def test_no_webhook_goes_to_a_server_that_a_setting_names(
    settings: WorkerSettings, last: int
) -> None:
    for port in (80, 5432, 6000, 9000):
        url = f"http://10.20.0.{last}:{port}/hook"
        assert not isinstance(check_url(url, settings.webhook_addresses), TargetUrl), url


def test_a_receiver_beside_them_is_called(settings: WorkerSettings) -> None:
    found = check_url("http://10.20.0.9:9000/hook", settings.webhook_addresses)
    assert isinstance(found, TargetUrl)


def test_every_setting_that_is_an_address_of_a_server_counts() -> None:
    """A new setting of an address stands in `own_servers`, or is named here with its reason."""
    named = {
        "database_url",
        "database_replica_url",
        "database_direct_url",
        "redis_url",
        "files_endpoint",
        "otlp_endpoint",
    }
    addresses = {
        name
        for name in DoorSettings.model_fields
        if name.endswith(("_url", "_endpoint", "_address"))
    }
    assert addresses == named

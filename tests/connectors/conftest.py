"""One test authority for the session, one S²LOW double per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.s2low import S2lowDouble
from tests.builders.tdt import TdtPki, make_double


@pytest.fixture(scope="session")
def tdt_pki() -> TdtPki:
    return TdtPki.make()


@pytest.fixture
def double(tdt_pki: TdtPki, tmp_path: Path) -> Iterator[S2lowDouble]:
    with make_double(tdt_pki, tmp_path) as running:
        yield running

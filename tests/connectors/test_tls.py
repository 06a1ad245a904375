from __future__ import annotations

import ssl

import pytest

from connectors.errors import Unreachable
from connectors.tls import client_context
from tests.builders.tdt import TdtPki


class TestClientContext:
    def test_threat_29_verifies_the_server_and_trusts_one_authority(self, tdt_pki: TdtPki) -> None:
        context = client_context(ca_pem=tdt_pki.authority.pem)

        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert len(context.get_ca_certs()) == 1

    def test_refuses_the_key_of_another_certificate(self, tdt_pki: TdtPki) -> None:
        with pytest.raises(Unreachable) as caught:
            client_context(
                ca_pem=tdt_pki.authority.pem,
                certificate_pem=tdt_pki.client.pem,
                key_pem=tdt_pki.shared_client.key_pem,
            )

        assert caught.value.alert

    @pytest.mark.parametrize("broken", [b"", b"pas un PEM", "é".encode()])
    def test_refuses_what_is_not_pem(self, tdt_pki: TdtPki, broken: bytes) -> None:
        with pytest.raises(Unreachable):
            client_context(
                ca_pem=tdt_pki.authority.pem,
                certificate_pem=broken,
                key_pem=tdt_pki.client.key_pem,
            )

    @pytest.mark.parametrize("broken", [b"", b"pas un PEM", "é".encode()])
    def test_refuses_an_unreadable_authority(self, broken: bytes) -> None:
        with pytest.raises(Unreachable):
            client_context(ca_pem=broken)

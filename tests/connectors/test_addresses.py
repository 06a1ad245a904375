from __future__ import annotations

import pytest

from connectors.addresses import is_public, parse_allow, system_resolver

PRIVATE = [
    *("127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
    *("100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001:0:7f00:1::", "localhost", "", "0x7f.1"),
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_or_local_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_internet_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("form", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost"])
async def test_the_system_resolver_shows_what_odd_forms_mean(form: str) -> None:
    addresses = await system_resolver(form, 443)

    assert addresses
    assert not any(is_public(address) for address in addresses)


class TestParseAllow:
    def test_reads_names_and_both_families(self) -> None:
        read = parse_allow(["TdT.interne:443", " 127.0.0.1:8443 ", "[::1]:9443", ""])

        assert read == {("tdt.interne", 443), ("127.0.0.1", 8443), ("::1", 9443)}

    @pytest.mark.parametrize("entry", ["localhost", "host:", ":443", "host:0", "host:70000", "h:x"])
    def test_refuses_an_entry_without_a_port(self, entry: str) -> None:
        with pytest.raises(ValueError, match="host:port"):
            parse_allow([entry])

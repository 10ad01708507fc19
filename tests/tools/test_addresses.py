"""Which hosts may be named, and where in the network an address is."""

import pytest
from support.each import each

from agent.errors import ConfigurationError
from tools.backends.addresses import Kind, kind_of, read_endpoint
from tools.backends.backend import Backend

KINDS: list[tuple[str, Kind]] = [
    *(
        (address, "public")
        for address in ("8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "11.0.0.1")
    ),
    *((address, "public") for address in ("2606:4700::1111", "2a00:1450::8a", "::ffff:8.8.8.8", "64:ff9b::808:808")),
    *((address, "loopback") for address in ("127.0.0.1", "127.1.2.3", "127.255.255.255", "::1", "::ffff:127.0.0.1")),
    *((address, "private") for address in ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1")),
    *((address, "private") for address in ("fd12:3456::1", "fc00::1", "::ffff:10.0.0.1", "::ffff:c0a8:1")),
    # where no API is, least of all one of a tenant's
    *((address, "never") for address in ("0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "169.254.0.1")),  # noqa: S104
    *((address, "never") for address in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1")),
    *((address, "never") for address in ("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1")),
    *((address, "never") for address in ("255.255.255.255", "192.88.99.1", "::", "fe80::1", "fe80::1%eth0", "ff02::1")),
    *(
        (address, "never")
        for address in ("fec0::1", "fd00:ec2::254", "fd20:ce::254", "2001:db8::1", "3fff::1", "100::1")
    ),
    # IPv4 in a disguise
    *(
        (address, "never")
        for address in ("::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1", "2002:7f00:1::", "2002:a00:1::1")
    ),
    *((address, "never") for address in ("2001:0:7f00:1::", "2001::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe")),
    *((address, "never") for address in ("64:ff9b::a00:1", "64:ff9b:1::808:808", "2606:4700::5efe:7f00:1")),
    *((address, "never") for address in ("2606:4700::200:5efe:7f00:1", "::ffff:169.254.169.254", "::ffff:0.0.0.0")),
    *(
        (address, "never")
        for address in ("", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.2.3.4.5")
    ),
]

STRANGE = [
    # numbers that are an address for some library
    *(
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.1",
        "http://017700000001",
        "http://0177.0.0.1",
        "http://0",
    ),
    *(
        "http://127.1",
        "http://127.0.1",
        "http://0x7f.0.0.1",
        "http://127.0.0.01",
        "http://127.0.0.1.",
        "http://1.2.3.4.5",
    ),
    *("http://256.0.0.1", "http://127.0.0.256", "http://a.0x7f", "http://a.1", "http://0x", "http://00000000"),
    # dots and labels
    *(
        "http://shop.example.",
        "http://.shop.example",
        "http://shop..example",
        "http://.",
        "http://-",
        "http://-a.example",
    ),
    *("http://a-.example", f"http://{'a' * 64}.example", f"http://{'a.' * 130}example"),
    # other alphabets
    *("http://１２７.0.0.1", "http://127。0。0。1", "http://127．0.0.1", "http://ⓛocalhost", "http://loc\u00adalhost"),
    *(
        "http://shop\u3002example",
        "http://ſhop.example",
        "http://shop.ex\u200bample",
        "http://ехample.com",
        "http://①.example",
    ),
    # who asks
    *("http://a@shop.example", "http://a:b@shop.example", "http://@shop.example", "http://:@shop.example"),
    *(
        "http://shop.example:80@evil.example",
        "http://shop.example%40evil.example",
        "http://shop.example\\@evil.example",
    ),
    # ports
    *("http://shop.example:0", "http://shop.example:65536", "http://shop.example:99999", "http://shop.example:080"),
    *("http://shop.example:", "http://shop.example:+80", "http://shop.example:-1", "http://shop.example: 80"),
    *("http://shop.example:８０", "http://shop.example:80:80", "http://shop.example:0x50", "http://shop.example:1e3"),
    # IPv6
    *("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]", "http://[::127.0.0.1]", "http://[::]", "http://[fe80::1]"),
    *("http://[fe80::1%25eth0]", "http://[fe80::1%eth0]", "http://[::1", "http://::1", "http://[]", "http://[1.2.3.4]"),
    *(
        "http://[2002:7f00:1::]",
        "http://[64:ff9b::7f00:1]",
        "http://[fd00:ec2::254]",
        "http://[ff02::1]",
        "http://[v1.a]",
    ),
    # where no API is
    *("http://169.254.169.254", "http://169.254.170.2/v2", "http://0.0.0.0:8000", "http://100.100.100.200"),
    *("http://168.63.129.16", "http://224.0.0.1", "http://255.255.255.255", "http://192.0.0.192"),
    # other signs
    *(
        "http://shop.example/\\evil",
        "http:\\\\shop.example",
        "http:/shop.example",
        "http:shop.example",
        "//shop.example",
    ),
    *(
        "http://shop.example/a b",
        "http://shop.example/\t",
        " http://shop.example",
        "http://shop.example\n",
        "http://sh op",
    ),
    *("http://shop.example\r\nX-Evil: 1", "http://shop.example/%0d%0aX-Evil:1", "http://shop.example/../admin"),
    *(
        "http://shop.example/%2e%2e/admin",
        "http://shop.example/a//b",
        "http://shop.example/a%2fb",
        "http://shop.example?a",
    ),
    *("http://shop.example#a", "http://*.example", "http://shop_example!", "http://shop.example;a", "http://a,b"),
    *("file:///etc/passwd", "gopher://shop.example", "ftp://shop.example", "unix:///run/a.sock", "javascript:1", ""),
    *(
        "http://",
        "https://",
        "http:///path",
        "http://shop.example/ä",
        "httpſ://shop.example",
        "http://{tenant}.example",
    ),
]

GOOD = [
    ("http://shop.example", "http://shop.example"),
    ("HTTPS://Shop.Example:443/Api/", "https://shop.example/Api/"),
    ("https://shop.example:8443/api/v2", "https://shop.example:8443/api/v2"),
    ("http://localhost:8000", "http://localhost:8000"),
    ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("http://10.1.2.3", "http://10.1.2.3"),
    ("http://[::1]:8000/x", "http://[::1]:8000/x"),
    ("http://[FD12:0::0001]", "http://[fd12::1]"),
    ("http://orders_api:8080", "http://orders_api:8080"),
    ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ("https://1password.example/a%20b", "https://1password.example/a%20b"),
    ("http://orders.prod.svc.cluster.local", "http://orders.prod.svc.cluster.local"),
]


@each(("address", "kind"), KINDS)
def test_an_address_is_public_private_of_this_machine_or_nobodys(address: str, kind: Kind) -> None:
    """G219: in every form in which an IPv4 address hides."""
    assert kind_of(address) == kind


@each("url", STRANGE)
def test_a_server_that_somebody_could_take_for_another_is_refused_at_start(url: str) -> None:
    """G219: whether it is in a definition or in the settings."""
    with pytest.raises(ConfigurationError, match=r"^the backend's URL"):
        Backend(url)


@each(("url", "meant"), GOOD)
def test_a_server_in_its_usual_spelling_is_taken(url: str, meant: str) -> None:
    assert read_endpoint(url, name="the URL").url == meant


@each(
    ("host", "is_private"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("keycloak", True),
        ("sso.corp.internal", True),
        ("printer.local", True),
        ("10.0.0.1", True),
        ("[::1]", True),
        ("8.8.8.8", False),
        ("sso.example", False),
        ("internal.example.com", False),
    ],
)
def test_a_host_says_by_its_name_whether_it_is_inside(host: str, is_private: bool) -> None:
    assert read_endpoint(f"http://{host}", name="the URL").is_private_by_name is is_private

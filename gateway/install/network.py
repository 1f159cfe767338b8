"""The units' own Wi-Fi: so a changed password of the clinic's Wi-Fi breaks nothing. Text out.

Raspberry Pi OS Bookworm has NetworkManager; `shared` brings addresses and names for the units, and would also give them
the clinic's network: the firewall's two chains take that away again. Sources: nm-settings-keyfile(5), nft(8).
"""

from __future__ import annotations

import uuid

from gateway.install.choices import ETC, NAME, Choices, File

CONNECTION = "wattwitness-units"

_CONNECTION = """\
[connection]
id={connection}
uuid={uuid}
type=wifi
interface-name={interface}
autoconnect=true
autoconnect-priority=100
autoconnect-retries=0

[wifi]
mode=ap
band=bg
channel=6
ssid={ssid}

[wifi-security]
key-mgmt=wpa-psk
proto=rsn;
pairwise=ccmp;
group=ccmp;
psk={psk}

[ipv4]
method=shared
address1={address}/24

[ipv6]
method=disabled
"""

_FIREWALL = """\
#!/usr/sbin/nft -f
# 单元只能找到代理、地址和名字；不能上网，也不能进诊所的网络
# units reach the broker, an address and a name; neither the internet nor the clinic's network
table inet wattwitness
delete table inet wattwitness
table inet wattwitness {{
    chain from_units {{
        type filter hook input priority -10; policy accept;
        iifname != "{interface}" return
        tcp dport {port} accept
        udp dport {{ 53, 67 }} accept
        tcp dport 53 accept
        icmp type echo-request accept
        ct state established,related accept
        drop
    }}
    chain through {{
        type filter hook forward priority -10; policy accept;
        iifname "{interface}" drop
        oifname "{interface}" drop
    }}
}}
"""


def files(choices: Choices) -> list[File]:
    """The access point, the name by which the units call the gateway, and what they may reach."""
    connection = _CONNECTION.format(
        connection=CONNECTION,
        uuid=uuid.uuid5(uuid.NAMESPACE_DNS, f"{CONNECTION}.{choices.clinic}"),
        interface=choices.interface,
        ssid=choices.ssid,
        psk=choices.wifi_password,
        address=choices.address,
    )
    manager = "/etc/NetworkManager"
    return [
        File(f"{manager}/system-connections/{CONNECTION}.nmconnection", connection, 0o600),
        File(f"{manager}/dnsmasq-shared.d/wattwitness.conf", f"address=/{NAME}/{choices.address}\n"),
        File(f"{ETC}/units.nft", _FIREWALL.format(interface=choices.interface, port=choices.port)),
    ]

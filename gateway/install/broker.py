"""The broker's files: configuration, access list, accounts. Text in, text out.

Sources: mosquitto.conf(5), mosquitto_passwd(1) of Mosquitto 2.0. Passwords over TLS, not client certificates: taking a
line out of the accounts shuts a unit out at the next reload, whereas a certificate needs a list of revoked ones, which
shuts everybody out on the day that it expires.
"""

from __future__ import annotations

import base64
import hashlib

from gateway.install.choices import ACCOUNTS, ACL, CA, CERTIFICATE, GATEWAY, KEY, Choices, File

_ITERATIONS = 101  # of mosquitto_passwd; the passwords are random, 128 bits or more
CONFIGURATION = "/etc/mosquitto/conf.d/wattwitness.conf"

_CONFIGURATION = """\
# 由 wattwitness install 写成；手工改动会被发现 · written by `wattwitness install`, which notices changes by hand
listener {port}
certfile {certificate}
keyfile {key}
cafile {ca}
tls_version tlsv1.2
allow_anonymous false
password_file {accounts}
acl_file {acl}
# 用账号作客户端编号：谁也不能顶替别人的连接 · an account cannot take over another's connection by its client id
use_username_as_clientid true
set_tcp_nodelay true
# 缺省 1000 会悄悄丢弃；单元总会重发，所以有界 · the default of 1000 drops silently; bounded, for units send again
max_queued_messages 20000
max_queued_bytes 67108864
# 网关一次事务收 500 条 · the gateway takes 500 in a transaction
max_inflight_messages 500
message_size_limit 131072
connection_messages true
"""

_ACL = """\
# 只有网关可以发确认和时间；每个单元只碰自己的主题 · only the gateway acknowledges and tells the time
user {gateway}
topic read ww/1/{clinic}/+/record
topic read ww/1/{clinic}/+/status
topic readwrite ww/1/{clinic}/+/ack
topic write ww/1/{clinic}/+/live
topic write homeassistant/+/+/config
topic write ww/1/{clinic}/+/update
topic write ww/1/{clinic}/release/+
topic write ww/1/{clinic}/time

pattern write ww/1/{clinic}/%u/record
pattern write ww/1/{clinic}/%u/status
pattern read ww/1/{clinic}/%u/ack
pattern read ww/1/{clinic}/%u/update
pattern read ww/1/{clinic}/release/+
pattern read ww/1/{clinic}/time
"""


def files(choices: Choices) -> list[File]:
    """The broker's configuration and access list."""
    names = {"certificate": CERTIFICATE, "key": KEY, "ca": CA, "accounts": ACCOUNTS, "acl": ACL}
    return [
        File(CONFIGURATION, _CONFIGURATION.format(port=choices.port, **names)),
        File(ACL, _ACL.format(gateway=GATEWAY, clinic=choices.clinic), 0o600, "mosquitto"),
    ]


def with_account(accounts: str, name: str, password: str, salt: bytes) -> str:
    """The accounts with that of `name` new or renewed, in the order of names."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    hashed = "$".join(["$7", str(_ITERATIONS), _base64(salt), _base64(key)])
    lines = _by_name(accounts) | {name: f"{name}:{hashed}"}
    return "".join(f"{lines[each]}\n" for each in sorted(lines))


def without_account(accounts: str, name: str) -> str:
    """The accounts without that of `name`."""
    return "".join(f"{line}\n" for each, line in sorted(_by_name(accounts).items()) if each != name)


def names(accounts: str) -> list[str]:
    """Who has an account."""
    return sorted(_by_name(accounts))


def _by_name(accounts: str) -> dict[str, str]:
    return {line.split(":")[0]: line for line in accounts.splitlines() if line.strip()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

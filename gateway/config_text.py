"""`wattwitness.toml` as `init` writes it, with what may be added later in comments."""

from __future__ import annotations

import json

from gateway.config import DISTRICT, TOP, Config

_OPTIONAL = """
# 设备单元经 MQTT 上报时取消注释 · uncomment when units report over MQTT
# [mqtt]
# host = "127.0.0.1"
# port = 1883
# user = "gateway"
# password = ""
# tls = true
# ca = "/etc/ssl/certs/ca-certificates.crt"

# HIS 收费前询问、实时送账单时取消注释 · uncomment when the HIS asks before it charges and sends bills
# [his]
# key = "自定，16 个以上字符 · your own, 16 characters or more"
# settle_after_treatment = false

# 向区级平台转发时取消注释 · uncomment to forward to a district
# [forward]
# url = "https://district.example"
# token = "由区级平台发放 · given by the district"
"""
_TLS = """# 向网络开放页面时：口令要用 TLS · when the pages are opened to a network: passwords take TLS
# cert = "pages.pem"
# key = "pages.key"
"""
_DISTRICT_OPTIONAL = """
# 每个诊所一个令牌 · one token per clinic
[district.tokens]
# C001 = "at-least-16-random-characters"

# 各诊所的开诊时间，在区里核对它的收费时用 · opening hours, for reconciling a clinic here
# [clinics.C001]
# name = "诊所名称"
# opens = "08:00"
# closes = "20:00"
"""


def text(config: Config) -> str:
    """The configuration as `init` writes it."""
    closed = ", ".join(f'"{day.isoformat()}"' for day in config.closed)
    lines = [
        f"{key} = {json.dumps(getattr(config, key), ensure_ascii=False)}" for key in TOP if key != "closed"
    ]
    lines.insert(5, f"closed = [{closed}]")
    lines += ["", "[serve]", f"host = {json.dumps(config.serve.host)}", f"port = {config.serve.port}"]
    lines += [_TLS]
    return "\n".join(lines) + (_DISTRICT_OPTIONAL if config.role == DISTRICT else _OPTIONAL)

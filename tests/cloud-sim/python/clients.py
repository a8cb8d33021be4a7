"""The two generations of official clients behind one call: action and parameters by their wire names in, JSON out."""

from __future__ import annotations

import importlib
import json
import xml.etree.ElementTree as ElementTree

from checks import Checks, unread

PRODUCTS = {
    "slb": ("alibabacloud_slb20140515", "aliyunsdkslb.request.v20140515"),
    "ecs": ("alibabacloud_ecs20140526", "aliyunsdkecs.request.v20140526"),
    "vpc": ("alibabacloud_vpc20160428", "aliyunsdkvpc.request.v20160428"),
}


class Refused(Exception):
    """An error answer."""

    def __init__(self, code: str, status: int, message: str):
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.status = status


class V3:
    """alibabacloud_*: signs with ACS3-HMAC-SHA256 and reads answers into typed models."""

    name = "V3"

    def __init__(self, address: str, key_id: str, secret: str, checks: Checks):
        self.address, self.key_id, self.secret, self.checks = address, key_id, secret, checks
        self.products: dict[str, tuple] = {}

    def call(self, action: str, product: str = "slb", **parameters) -> dict:
        from darabonba.runtime import RuntimeOptions

        module, client = self._product(product)
        self.checks.sends(action, parameters)
        request = getattr(module.models, f"{action}Request")()
        request.from_map(parameters)
        method = with_options(client, action)
        try:
            method(request, RuntimeOptions(autoretry=False))
        except Exception as error:
            code = getattr(error, "code", None)
            if code is None:
                raise
            raise Refused(code, getattr(error, "status_code", None) or status_of(error), str(error)) from error
        raw = client.raw["body"]
        for problem in unread(getattr(module.models, f"{action}ResponseBody"), raw, module.models, action):
            self.checks.equal(problem, "unread", "read")
        return raw

    def _product(self, product: str):
        if product not in self.products:
            from alibabacloud_tea_openapi.utils_models import Config

            package = PRODUCTS[product][0]
            module = importlib.import_module(package)
            importlib.import_module(f"{package}.models")
            base = importlib.import_module(f"{package}.client").Client

            class Recording(base):
                raw: dict = {}

                def call_api(self, params, request, runtime):
                    self.raw = super().call_api(params, request, runtime)
                    return self.raw

            config = Config(
                access_key_id=self.key_id,
                access_key_secret=self.secret,
                endpoint=self.address,
                protocol="http",
                region_id="cn-hangzhou",
            )
            self.products[product] = (module, Recording(config))
        return self.products[product]


def with_options(client, action: str):
    """The client's method for an action: its name has underscores in places that no rule tells."""
    wanted = f"{action}WithOptions".lower()
    found = [name for name in dir(client) if name.replace("_", "") == wanted]
    return getattr(client, found[0])


def status_of(error) -> int:
    data = getattr(error, "data", None) or {}
    return data.get("statusCode") or data.get("httpCode") or 0


class V1:
    """aliyun-python-sdk-*: signs with HMAC-SHA1."""

    name = "V1"

    def __init__(self, address: str, key_id: str, secret: str, checks: Checks):
        from aliyunsdkcore.client import AcsClient

        self.client = AcsClient(key_id, secret, "cn-hangzhou", auto_retry=False)
        self.address, self.checks = address, checks

    def call(self, action: str, product: str = "slb", **parameters) -> dict:
        from aliyunsdkcore.acs_exception.exceptions import ServerException

        try:
            return json.loads(self.client.do_action_with_exception(self._request(action, product, parameters)))
        except ServerException as error:
            raise Refused(error.get_error_code(), error.get_http_status(), error.get_error_msg()) from error

    def call_xml(self, action: str, product: str = "slb", **parameters) -> ElementTree.Element:
        """The same with the answer as XML; only this way of calling leaves the format alone."""
        request = self._request(action, product, parameters)
        request.set_accept_format("XML")
        return ElementTree.fromstring(self.client.do_action(request))

    def _request(self, action: str, product: str, parameters: dict):
        self.checks.sends(action, parameters)
        module = importlib.import_module(f"{PRODUCTS[product][1]}.{action}Request")
        request = getattr(module, f"{action}Request")()
        request.set_endpoint(self.address)
        for name, value in parameters.items():
            self._set(request, name, value)
        return request

    @staticmethod
    def _set(request, name: str, value) -> None:
        setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s", None)
        if setter is not None:
            setter(value)
        elif isinstance(value, list):
            # Parameters that are younger than this client.
            for at, item in enumerate(value, 1):
                if isinstance(item, dict):
                    for key, part in item.items():
                        request.add_query_param(f"{name}.{at}.{key}", part)
                else:
                    request.add_query_param(f"{name}.{at}", item)
        else:
            request.add_query_param(name, value)

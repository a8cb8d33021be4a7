"""Creates, describes, changes and deletes every resource with every attribute, through both official clients.

    sdk_conformance.py PATH-OF-CLOUD-SIM

What Describe returns has to equal what was set, every field of an answer has to be one that the client's model reads
with the type that it has there, and every parameter that the clients know has to be sent at least once.
"""

from __future__ import annotations

import importlib
import pathlib
import subprocess
import sys

import listeners
import networks
import resources
from checks import Checks, field_types
from clients import PRODUCTS, V1, V3, Refused

HERE = pathlib.Path(__file__).parent
KEY_ID, SECRET = "conformance", "conformance-secret"

# Parameters that are not sent, and why.
NOT_SENT = {
    "OwnerId": "of resellers",
    "OwnerAccount": "of resellers",
    "ResourceOwnerId": "of resellers",
    "ResourceOwnerAccount": "of resellers",
    "MasterSlaveServerGroup": "there are no primary/secondary groups here",
    "MasterSlaveServerGroupId": "there are no primary/secondary groups here",
}
# The SDK's client certificate headers of HTTPS listeners are younger than the documented parameters.
UNDOCUMENTED = ("XForwardedFor_ClientCert",)


def main() -> int:
    process = subprocess.Popen(
        [sys.argv[1], "--access-key", f"{KEY_ID}:{SECRET}", "--seed", str(HERE / "seed.json")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().strip().removeprefix("http://")
        tallies = [exercise(V3, address), exercise(V1, address)]
    finally:
        process.terminate()
        process.wait(timeout=10)
    failures = [failure for checks in tallies for failure in checks.failures]
    for failure in failures:
        print(failure)
    print(f"{sum(checks.passed for checks in tallies)} passed, {len(failures)} failed")
    return 1 if failures else 0


def exercise(client, address: str) -> Checks:
    checks = Checks(client.name)
    api = client(address, KEY_ID, SECRET, checks)
    resources.places(api, checks)
    networks.run(api, checks)
    made = resources.certificates(api, checks)
    made["acl"] = resources.access_lists(api, checks)
    made |= resources.load_balancers(api, checks, client.name)
    made |= resources.groups(api, checks, made)
    listeners.create_all(api, checks, made)
    resources.domain_extensions(api, checks, made)
    resources.tags(api, checks, made)
    listeners.delete_all(api, checks, made)
    resources.delete(api, checks, made)
    wrong_key(client, address, checks)
    if client is V1:
        xml(api, checks)
    else:
        coverage(checks)
    return checks


def wrong_key(client, address: str, checks: Checks) -> None:
    # The V1 client reads what the server would have signed and concludes what is wrong.
    mismatch = "InvalidAccessKeySecret" if client is V1 else "SignatureDoesNotMatch"
    for key_id, secret, code in (("unknown", SECRET, "InvalidAccessKeyId.NotFound"), (KEY_ID, "wrong", mismatch)):
        try:
            client(address, key_id, secret, checks).call("DescribeRegions")
            checks.equal(f"key {key_id}", "accepted", code)
        except Refused as error:
            checks.equal(f"key {key_id}", error.code, code)


def xml(api: V1, checks: Checks) -> None:
    answer = api.call_xml("DescribeRegions")
    checks.equal("root of the XML answer", answer.tag, "DescribeRegionsResponse")
    found = [element.text for element in answer.findall("./Regions/Region/RegionId")]
    checks.holds("regions in the XML answer", "cn-hangzhou" in found)


def coverage(checks: Checks) -> None:
    """Every parameter of every action that was called was sent."""
    module = importlib.import_module(f"{PRODUCTS['slb'][0]}.models")
    for action, sent in checks.sent.items():
        request = getattr(module, f"{action}Request", None)
        if request is None:
            continue
        for name in field_types(request, module):
            if name not in NOT_SENT and not name.startswith(UNDOCUMENTED):
                checks.holds(f"{action} was called with {name}", name in sent)


if __name__ == "__main__":
    sys.exit(main())

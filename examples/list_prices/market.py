"""A market file made from offers: their classes, their regions, one product for each pair that is offered.

No band: list prices and spot prices lie far apart, and both are to stand in the book.
"""

import json
from collections import defaultdict

# Hours each instrument delivers. Days are listed as far as the day after tomorrow, which no gate or auction
# reaches while this runs; a day becomes hours at its gate, so those of a day are listed too.
HOURS = 24
HORIZON = "{ hours = 25, days = 2, weeks = 0, months = 0 }"
MAKER_FEE_PPM = 200
TAKER_FEE_PPM = 500

TERMS = f"""\
# Made from a price list by examples/list_prices. Prices are USD per unit-hour.

[terms]
currency = "USD"
tick = {{ vCPU = "0.0001", GPU = "0.01", FPGA = "0.01" }}
horizon = {HORIZON}
auction = "none"
band = "none"
max_quantity = 1_000_000
max_notional = 1_000_000_000
maker_fee = "0.02 %"
taker_fee = "0.05 %"

[tiers.B]
availability = "99.5 %"
notice = "0s"
penalty = "50 %"
gate_hour = "5m"
gate_longer = "60m"
"""


def text(offers):
    """The market file, as `hourbook serve --market` reads it."""
    classes, regions, products = defaultdict(list), defaultdict(list), set()
    for offer in offers:
        classes[offer.type_class].append(offer)
        regions[offer.region].append(offer)
        products.add(offer.product)
    parts = [TERMS]
    parts += [class_text(code, classes[code]) for code in sorted(classes)]
    parts += [region_text(code, regions[code]) for code in sorted(regions)]
    parts.append("[products]\n" + "".join(f'"{symbol}" = {{}}\n' for symbol in sorted(products)))
    return "\n".join(parts)


def class_text(code, offers):
    kind = offers[0].kind
    # The unit carries what the leanest row gives.
    vcpu = min(offer.vcpu for offer in offers)
    memory = min(offer.memory_gib for offer in offers)
    return f"""\
[classes.{code}]
title = {quoted(f"{kind} of class {code}, as {len(offers)} rows of the list sell it")}
unit = "{kind}"
vcpu = "{thousandths(vcpu)}"
memory_gib = "{thousandths(memory)}"
disk_gb = 0
network_mbps = 0
benchmark = "none"
benchmark_score = 0
assumptions = ["vCPUs and memory are the least of the rows; disk, network and scores are not compared"]
"""


def region_text(code, offers):
    places = sorted({f"{offer.cloud} {offer.place}" for offer in offers})
    title = ", ".join(places)
    if len(title) > 120:
        title = f"{len(places)} regions of {len({offer.cloud for offer in offers})} clouds"
    return f"""\
[regions.{code}]
title = {quoted(title)}
jurisdiction = "{offers[0].country}"
pue = "1.5"
power_usd_per_kwh = "0.1"
cooling = "not known"
energy = "not known"
assumptions = ["PUE and power price: a price list has none", "regions of one country and direction are one market"]
"""


def thousandths(number):
    """Rounded down, so that nothing is promised that a row does not have."""
    whole, parts = divmod(int(number * 1_000), 1_000)
    return f"{whole}.{parts:03}"


def quoted(words):
    """A TOML basic string; JSON's escapes are among its own."""
    return json.dumps(words)

"""A price list, read as offers: what each row sells, where, and for how much a unit.

A row is used when it says what one whole unit costs, on demand and on the spot market. A row that does
not is counted under its reason; none is dropped in silence.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

MICROS = 1_000_000
# The smallest price step of each kind of unit, micros.
TICKS = {"vCPU": 100, "GPU": 10_000}
MOST_UNITS = 1_000_000

COLUMNS = (
    "cloud region country instance_type family vcpu mem_gib gpu ngpu arch shared on_demand_usd_h spot_usd_h"
).split()

# What a vCPU carries at least, GiB, and how a class that promises it is called. Clouds sell "4 GiB" as 3.75, "8" as 6.5.
MEMORY = [
    ("M32", "26"),
    ("M16", "13"),
    ("M8", "6.5"),
    ("M4", "3.75"),
    ("M2", "1.75"),
    ("M1", "0.9"),
    ("M0", "0"),
]
ARCHITECTURES = {"amd64": "X86", "x86_64": "X86", "arm64": "ARM", "aarch64": "ARM"}
# Families whose accelerators a list is known to count as none.
UNCOUNTED = re.compile(r"aws/(f1|f2|vt1|g6f)|azure/standard_np|azure/np", re.IGNORECASE)


class Unusable(Exception):
    """Why a row cannot be traded."""


@dataclass(frozen=True)
class Offer:
    """What one row offers and bids: so many units, at prices in micros of USD per unit-hour."""

    line: int
    cloud: str
    place: str
    country: str
    type_class: str
    kind: str
    region: str
    units: int
    ask: int
    bid: int
    # What one unit carries.
    vcpu: Fraction
    memory_gib: Fraction

    @property
    def product(self):
        # Firm, at the 99.5 % that clouds promise a single machine.
        return f"{self.type_class}.{self.region}.B"


def load(path):
    """The usable rows of the list at `path`, and how many were not usable, by reason."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or [])]
            if missing:
                raise SystemExit(f"{path}: the list has no column {', '.join(missing)}")
            return read(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SystemExit(f"{path}: {error}") from None


def read(rows):
    offers, refused, seen = [], Counter(), set()
    for line, row in enumerate(rows, start=2):
        try:
            offer = offer_of(line, row)
            name = (row["cloud"], row["region"], row["instance_type"])
            if name in seen:
                raise Unusable("listed twice")
            seen.add(name)
            offers.append(offer)
        except Unusable as why:
            refused[str(why)] += 1
    return offers, refused


def offer_of(line, row):
    """What a row offers. Raises `Unusable` with the first thing that is wrong with it."""
    row = {name: (row[name] or "").strip() for name in COLUMNS}
    if not row["spot_usd_h"]:
        raise Unusable("no spot price")
    on_demand, spot = number(row, "on_demand_usd_h"), number(row, "spot_usd_h")
    if on_demand <= 0 or spot <= 0:
        raise Unusable("a price that is not above zero")
    if spot > on_demand:
        raise Unusable("spot price above the on-demand price")
    if not re.fullmatch("[A-Z]{2}", row["country"]):
        raise Unusable("country is not two capitals")
    if UNCOUNTED.match(f"{row['cloud']}/{row['family']}"):
        raise Unusable("accelerators that the list counts as none")

    kind, units, type_class = resource(row)
    tick = TICKS[kind]
    ask = -(-on_demand * MICROS / units // tick) * tick
    bid = spot * MICROS / units // tick * tick
    if bid == 0:
        raise Unusable("spot price below one tick")
    return Offer(
        line=line,
        cloud=row["cloud"],
        place=row["region"],
        country=row["country"],
        type_class=type_class,
        kind=kind,
        region=region(row["country"], row["region"]),
        units=units,
        ask=int(ask),
        bid=int(bid),
        vcpu=number(row, "vcpu") / units,
        memory_gib=number(row, "mem_gib") / units,
    )


def number(row, name):
    """An exact number; prices are never floats."""
    try:
        return Fraction(row[name])
    except (ValueError, ZeroDivisionError):
        raise Unusable(f"{name} is not a number") from None


def resource(row):
    """The kind of unit, how many of them, and their class."""
    gpus = number({"ngpu": row["ngpu"] or "0"}, "ngpu")
    if gpus > 0:
        kind, units, type_class = "GPU", gpus, gpu_class(row["gpu"])
    else:
        kind, units = "vCPU", number(row, "vcpu")
        if row["arch"] not in ARCHITECTURES:
            raise Unusable("unknown architecture")
        if units <= 0:
            raise Unusable("no units")
        each = number(row, "mem_gib") / units
        if each < 0:
            raise Unusable("negative memory")
        memory = next(code for code, least in MEMORY if each >= Fraction(least))
        type_class = ARCHITECTURES[row["arch"]] + memory + ("S" if row["shared"] == "1" else "")
    if units.denominator != 1:
        raise Unusable(f"part of a {kind} is no whole lot")
    if units > MOST_UNITS:
        raise Unusable("more units than one order may have")
    return kind, int(units), type_class


def gpu_class(name):
    """A model's name as a class: two to ten capitals and digits."""
    code = re.sub("[^A-Z0-9]", "", name.upper())
    if not 2 <= len(code) <= 10:
        raise Unusable("GPU without a name that could be a class")
    return code


def region(country, place):
    """A country and the direction in the cloud's own name, or else its first letters.

    Clouds that stand in one country's east meet in one market; what is pooled, the market file says.
    """
    directions = re.findall("north|south|east|west|central", place.lower())
    if directions:
        return country + "".join(word[0] for word in directions).upper()[:4]
    letters = re.sub("[^a-z]", "", place.lower().split("-", 1)[-1])
    if not letters:
        raise Unusable("region without a name that could be a code")
    return country + letters[:4].upper()


def sample():
    """A small list of our own making: two clouds in three places, and one row for each way to be unusable."""
    families = [
        # family, GiB a vCPU, architecture, shared, USD a vCPU-hour
        ("std", "4", "amd64", "0", "0.0475"),
        ("cpu", "2", "amd64", "0", "0.0390"),
        ("mem", "8", "amd64", "0", "0.0643"),
        ("arm", "4", "arm64", "0", "0.0385"),
        ("tiny", "1", "amd64", "1", "0.0099"),
    ]
    places = [("east-1", "US", "1"), ("west-2", "US", "1.07"), ("north-1", "FI", "0.97")]
    # A cloud that is dear pays on its spot market what another asks on demand, so that bids meet offers.
    clouds = [("alto", "1", "0.35"), ("basso", "1.4", "0.72"), ("cantus", "1.013", "0.41")]
    rows = []

    def row(**values):
        rows.append(dict.fromkeys(COLUMNS, "") | {"ngpu": "0", "shared": "0", "arch": "amd64"} | values)

    for cloud, level, spot_share in clouds:
        for place, country, local in places:
            where = {"cloud": cloud, "region": place, "country": country}
            factor = Fraction(level) * Fraction(local)
            for family, memory, arch, shared, price in families:
                for size in (1, 2, 4, 8, 16, 48):
                    price_h = Fraction(price) * factor * size
                    row(
                        **where,
                        instance_type=f"{family}-{size}",
                        family=family,
                        vcpu=str(size),
                        mem_gib=str(int(memory) * size),
                        arch=arch,
                        shared=shared,
                        on_demand_usd_h=decimal(price_h),
                        spot_usd_h=decimal(price_h * Fraction(spot_share)),
                    )
            for size in (1, 4, 8):
                price_h = Fraction("2.21") * factor * size
                row(
                    **where,
                    instance_type=f"gpu-{size}",
                    family="gpu",
                    vcpu=str(16 * size),
                    mem_gib=str(64 * size),
                    gpu="L4",
                    ngpu=str(size),
                    on_demand_usd_h=decimal(price_h),
                    spot_usd_h=decimal(price_h * Fraction(spot_share)),
                )

    good = rows[0] | {"instance_type": "flawed"}
    rows.append(rows[0])
    for flaw in [
        {"spot_usd_h": ""},
        {"spot_usd_h": "n/a"},
        {"spot_usd_h": "0"},
        {"spot_usd_h": "0.00001"},
        {"spot_usd_h": "9"},
        {"country": "usa"},
        {"vcpu": "0.25"},
        {"vcpu": "0"},
        {"vcpu": "2000000"},
        {"arch": "abacus"},
        {"gpu": "L4", "ngpu": "0.5"},
        {"gpu": "", "ngpu": "1"},
        {"cloud": "aws", "family": "f1"},
        {"region": "1"},
    ]:
        rows.append(good | flaw)
    return rows


def decimal(number):
    """USD an hour as a list would print it, to a hundred-thousandth."""
    units, parts = divmod(round(number * 100_000), 100_000)
    return f"{units}.{parts:05}"

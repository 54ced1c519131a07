"""Makes what follows from the contract: `_proto`, `enums.py`, `models.py`, `refusals.py`; and `client.py` out of `aio.py`.

    python generate.py            writes them
    python generate.py --check    fails where one of them is not what it would write

Needs grpcio-tools as `requirements-dev.txt` pins it, and nothing of this package.
"""

import argparse
import importlib.resources
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "src" / "hourbook"
CONTRACT = HERE.parent.parent / "proto"

Field = descriptor_pb2.FieldDescriptorProto

# --- what the contract's names are here ---

# Messages that are told to people, and what they are called here.
MODELS = {
    "Fill": "Fill",
    "ExecutionReport": "ExecutionReport",
    "Order": "Order",
    "Level": "Level",
    "BookOrder": "BookOrder",
    "GetBookResponse": "Book",
    "TopOfBook": "TopOfBook",
    "LevelChanges": "LevelChanges",
    "OrderChange": "OrderChange",
    "OrderChanges": "OrderChanges",
    "MarketTrade": "MarketTrade",
    "Statistics": "Statistics",
    "Candle": "Candle",
    "Candles": "Candles",
    "MarketStatus": "MarketStatus",
    "IndicativeUncross": "IndicativeUncross",
    "PastTrade": "PastTrade",
    "IndexHour": "IndexHour",
    "CurvePoint": "CurvePoint",
    "DailyAuction": "DailyAuction",
    "Product": "Product",
    "ClassGrade": "ClassGrade",
    "Region": "Region",
    "GetContractResponse": "Contract",
    "Instrument": "Instrument",
    "InstrumentStatusChange": "InstrumentStatusChange",
    "Account": "Account",
    "Balance": "Balance",
    "Hold": "Hold",
    "Position": "Position",
    "CapacityRange": "CapacityRange",
    "LedgerEntry": "LedgerEntry",
    "Participant": "Participant",
    "Key": "Key",
    "FeeTotal": "FeeTotal",
    "GetStatusResponse": "Status",
    "PriceQuote": "PriceQuote",
    "PriceTerm": "PriceTerm",
    "ScoreAttribute": "ScoreAttribute",
    "Score": "Score",
    "ExplainResponse": "Explanation",
    "Rating": "Rating",
}
# Where 0, nothing or unspecified means that there is none: None here.
NONE_WHERE_ZERO = {
    "ExecutionReport": {
        "order_id",
        "price_micros",
        "trigger_price_micros",
        "fill",
        "reject_reason",
        "cancel_reason",
    },
    "BookOrder": {"price_micros"},
    "OrderChange": {"price_micros"},
    "GetBookResponse": {
        "last_trade_price_micros",
        "reference_price_micros",
        "band_low_micros",
        "band_high_micros",
        "indicative_price_micros",
    },
    "TopOfBook": {"bid", "ask"},
    "IndicativeUncross": {"price_micros"},
    "CurvePoint": {
        "price_micros",
        "bid_price_micros",
        "ask_price_micros",
        "last_trade_price_micros",
        "reference_price_micros",
    },
    "Statistics": {
        "day",
        "open_price_micros",
        "high_price_micros",
        "low_price_micros",
        "last_price_micros",
        "vwap_micros",
    },
    "Product": {
        "order_band_ppm",
        "trade_band_ppm",
        "reference_price_micros",
        "call_length",
        "daily_auction",
        "interruption_notice",
    },
    "GetContractResponse": {"grade", "region"},
    "Instrument": {"last_trade_price_micros", "reference_price_micros", "call_end_time"},
    "LedgerEntry": {"instrument_id", "trade_id"},
    "Key": {"account_id"},
    "PriceQuote": {"bid_price_micros", "bid_withheld", "ask_price_micros", "ask_withheld"},
    "ExplainResponse": {"quote", "score"},
    "Rating": {"grade", "rated_time"},
}
# Lots, which are Decimal here as everything is that is traded.
LOTS = re.compile(r"(^|_)(quantity|units|volume)$")
# Text that holds a decimal.
DECIMAL_TEXT = {("PriceTerm", "value"), ("ScoreAttribute", "estimate"), ("ScoreAttribute", "estimate_bound")}
# What the contract says of micros and zeros, said of decimals and None.
SAID = [
    (r", micros of USD", ", in USD"),
    (r"Micros of the product's currency per unit-hour", "In the currency per unit-hour"),
    (r"Micros per unit-hour", "Per unit-hour"),
    (r", micros per unit-hour|, micros\b|, parts per million", ""),
    (r"\bmicros per unit-hour", "per unit-hour"),
    (r"\bMicros\b", "In the currency"),
    (r"[Mm]illionths of the best", "Part of the best"),
    (r", millionths; all of them sum to a million", "; all of them sum to 1"),
    (r", millionths\b", ""),
    (r", thousandths of a ", ", in "),
    (r", thousandths\b(: 1,100 is 1\.1)?", ""),
    (r"\bunset (?=where|without|otherwise)", "None "),
    (r"\b0 (?=before|where|for|without|when|until|otherwise)", "None "),
]
# Kinds of refusal, by the reasons' names; one that matches none is a plain Refused.
KINDS = [
    (r"UNKNOWN_.*", "UnknownName"),
    (r"CLIENT_ID_REUSED|DUPLICATE_CLIENT_ID|SESSION_IN_USE|ALREADY_DEFINED", "AlreadyTaken"),
    (r"BAD_.*|PRICE_OFF_TICK|UNSUPPORTED", "Misstated"),
    (r"GATE_CLOSED|HALTED|FROZEN|KILLED|NOT_IN_AUCTION|NOT_IN_CALL", "NotNow"),
    (r".*_ABOVE_CAP|TOO_MANY_.*|PRICE_OUT_OF_BAND|INSTRUMENTS_EXHAUSTED|CAPACITY_BELOW_SOLD", "OverLimit"),
    (r"INSUFFICIENT_.*", "NotCovered"),
]
# The field of the contract that a reason finds fault with, where it is one.
FIELDS = {
    "UNKNOWN_ACCOUNT": "account_id",
    "UNKNOWN_PARTICIPANT": "participant_id",
    "UNKNOWN_KEY": "key_id",
    "UNKNOWN_INSTRUMENT": "symbol",
    "UNKNOWN_PRODUCT": "product",
    "UNKNOWN_CURRENCY": "currency",
    "UNKNOWN_CLASS": "class",
    "UNKNOWN_ORDER": "order",
    "BAD_QUANTITY": "quantity",
    "QUANTITY_ABOVE_CAP": "quantity",
    "BAD_PRICE": "price",
    "PRICE_OFF_TICK": "price",
    "PRICE_OUT_OF_BAND": "price",
    "BAD_TRIGGER": "trigger_price",
    "BAD_DISPLAY": "display_quantity",
    "BAD_MINIMUM": "minimum_quantity",
    "BAD_EXPIRY": "expire_time",
    "BAD_BUDGET": "budget",
    "BAD_AMOUNT": "amount",
    "BAD_NAME": "name",
    "CLIENT_ID_REUSED": "client_order_id",
    "DUPLICATE_CLIENT_ID": "client_order_id",
    "SESSION_IN_USE": "session",
}


class Contract:
    """The files of the contract with their comments."""

    def __init__(self, files: list[Path], scratch: Path) -> None:
        described = scratch / "described"
        run_protoc(files, f"--descriptor_set_out={described}", "--include_source_info")
        self.files = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes()).file
        self.module: dict[str, str] = {}
        self.enums: dict[str, tuple[descriptor_pb2.EnumDescriptorProto, str, list[str]]] = {}
        self.messages: dict[str, tuple[descriptor_pb2.DescriptorProto, str, list[str]]] = {}
        for file in self.files:
            module = Path(file.name).stem + "_pb2"
            said = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
            for at, message in enumerate(file.message_type):
                fields = [said[4, at, 2, each] for each in range(len(message.field))]
                self.messages[message.name] = message, said[4, at], fields
                self.module[message.name] = module
            for at, enum in enumerate(file.enum_type):
                values = [said[5, at, 2, each] for each in range(len(enum.value))]
                self.enums[enum.name] = enum, said[5, at], values


def run_protoc(files: list[Path], *options: str) -> None:
    well_known = str(importlib.resources.files("grpc_tools") / "_proto")
    command = ["protoc", f"--proto_path={CONTRACT}", f"--proto_path={well_known}", *options, *map(str, files)]
    if protoc.main(command) != 0:
        sys.exit("protoc failed")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def sentence(comment: str) -> str:
    return " ".join(comment.split())


def docstring(comment: str, indent: int) -> str:
    """The comment as a docstring, wrapped as the rest of the package is."""
    return wrapped(comment, " " * indent + '"""', " " * indent) + '"""\n'


def remark(comment: str, indent: int) -> str:
    return wrapped(comment, " " * indent + "# ", " " * indent + "# ") + "\n"


def wrapped(comment: str, first: str, rest: str) -> str:
    lines, line = [], first
    for word in sentence(comment).split(" "):
        if len(line) + len(word) > 104 and line.strip():
            lines.append(line.rstrip())
            line = rest
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


# --- the files ---


def made(contract: Contract, files: list[Path], scratch: Path) -> Iterator[tuple[str, str]]:
    """Every file that is made, by its place in the package."""
    out = scratch / "out"
    out.mkdir()
    run_protoc(files, f"--python_out={out}", f"--pyi_out={out}")
    yield "_proto/__init__.py", '"""The contract as protoc gives it; made by generate.py."""\n'
    for path in sorted(out.rglob("*_pb2.py*")):
        text = path.read_text()
        text = text.replace("from hourbook.v1 import", "from hourbook._proto import")
        yield f"_proto/{path.name}", text
    yield "enums.py", enums(contract)
    yield "refusals.py", refusals(contract)
    yield "models.py", models(contract)
    yield "client.py", without_await((PACKAGE / "aio.py").read_text())


def enums(contract: Contract) -> str:
    text = '"""The contract\'s words; made by generate.py. UNSPECIFIED also stands for what this version does not know."""\n'
    text += "\nfrom hourbook.exact import Word\n"
    for name, (enum, said, values) in sorted(contract.enums.items()):
        text += f"\n\nclass {name}(Word):\n{docstring(said, 4)}\n"
        for value, comment in zip(enum.value, values, strict=True):
            member = value.name.removeprefix(snake(name) + "_")
            text += f"{remark(comment, 4)}    {member} = {value.number}\n"
    return text


def refusals(contract: Contract) -> str:
    enum, _, values = contract.enums["RejectReason"]
    text = '"""One exception for each reason of the market to refuse; made by generate.py of the contract."""\n\n'
    text += "from hourbook import errors\nfrom hourbook.enums import RejectReason\n"
    text += "\n# Of a reason that this version does not know.\nerrors.Refused.reason = RejectReason.UNSPECIFIED\n"
    names = []
    for value, comment in zip(enum.value, values, strict=True):
        reason = value.name.removeprefix("REJECT_REASON_")
        if value.number == 0:
            continue
        kind = next((kind for pattern, kind in KINDS if re.fullmatch(pattern, reason)), "Refused")
        text += f"\n\nclass {camel(reason)}(errors.{kind}):\n{docstring(comment, 4)}\n"
        text += f"    reason = RejectReason.{reason}\n"
        text += f'    meaning = "{sentence(comment)}"\n'
        if reason in FIELDS:
            text += f'    fault = "{FIELDS[reason]}"\n'
        names.append((reason, camel(reason)))
    text += "\n\nBY_REASON: dict[RejectReason, type[errors.Refused]] = {\n"
    text += "".join(f"    RejectReason.{reason}: {name},\n" for reason, name in names)
    return text + "}\n"


def models(contract: Contract) -> str:
    modules = sorted({contract.module[name] for name in MODELS})
    body, used = "", set()
    for name, called in MODELS.items():
        message, said, comments = contract.messages[name]
        body += f"\n\n@dataclass(frozen=True, slots=True)\nclass {called}:\n{docstring(said, 4)}\n"
        reads = []
        for field, comment in zip(message.field, comments, strict=True):
            own, kind, read = member(name, field)
            used.update(re.findall(r"enums\.(\w+)", kind))
            for words, here in SAID:
                comment = re.sub(words, here, comment)
            body += f"{remark(comment, 4)}    {own}: {kind}\n"
            reads.append(f"            {own}={read},\n")
        body += f"\n    @classmethod\n    def of(cls, message: {contract.module[name]}.{name}) -> Self:\n"
        body += f"        return cls(\n{''.join(reads)}        )\n"
    text = '"""What the exchange tells, as values; made by generate.py of the contract.\n\n'
    text += "Prices are in the currency per unit-hour and amounts in the currency, exact to the micro; quantities are\n"
    text += "lots; shares and scores are parts of one; times are UTC, cut to the microsecond. None stands where there is none.\n"
    text += '"""\n\nfrom dataclasses import dataclass\nfrom datetime import datetime, timedelta\nfrom decimal import Decimal\n'
    text += "from typing import Self\n\nfrom hourbook import enums, exact\n"
    text += f"from hourbook._proto import {', '.join(modules)}\n"
    return text + body


def member(message: str, field: Field) -> tuple[str, str, str]:
    """A field here: its name, its type, and how it is read."""
    own = re.sub(r"_(micros|ppm|milli)$", "", field.name)
    own = "class_" if own == "class" else own
    # The word `class` cannot be written as an attribute.
    value = 'getattr(message, "class")' if field.name == "class" else f"message.{field.name}"
    repeated = field.label == Field.LABEL_REPEATED
    kind_name = field.type_name.rsplit(".", 1)[-1]
    if repeated:
        value = "each"
    if field.type == Field.TYPE_MESSAGE and kind_name == "Timestamp":
        kind, read = "datetime", f"exact.time_of({value})"
    elif field.type == Field.TYPE_MESSAGE and kind_name == "Duration":
        kind, read = "timedelta", f"{value}.ToTimedelta()"
    elif field.type == Field.TYPE_MESSAGE:
        kind, read = MODELS[kind_name], f"{MODELS[kind_name]}.of({value})"
    elif field.type == Field.TYPE_ENUM:
        kind, read = f"enums.{kind_name}", f"enums.{kind_name}({value})"
    elif (message, field.name) in DECIMAL_TEXT:
        kind, read = "Decimal", f"Decimal({value})"
    elif field.type == Field.TYPE_STRING:
        kind, read = "str", value
    elif field.type == Field.TYPE_BOOL:
        kind, read = "bool", value
    elif field.name.endswith(("_micros", "_ppm")):
        kind, read = "Decimal", f"exact.of_micros({value})"
    elif field.name.endswith("_milli"):
        kind, read = "Decimal", f"exact.of_micros({value} * 1_000)"
    elif LOTS.search(field.name):
        kind, read = "Decimal", f"Decimal({value})"
    else:
        kind, read = "int", value
    if repeated:
        whole = f"tuple(message.{field.name})" if read == "each" else f"tuple({read} for each in message.{field.name})"
        return own, f"tuple[{kind}, ...]", whole
    if field.name in NONE_WHERE_ZERO.get(message, ()):
        there = f'message.HasField("{field.name}")' if field.type == Field.TYPE_MESSAGE else value
        return own, f"{kind} | None", f"{read} if {there} else None"
    return own, kind, read


# In order; each is plain text.
WITHOUT_AWAIT = [
    ('"""The async client.', '"""The sync client; made by generate.py out of aio.py.'),
    ("from hourbook._wire_aio import", "from hourbook._wire import"),
    ("collections.abc import AsyncIterator", "collections.abc import Iterator"),
    ("AsyncClient", "Client"),
    ("AsyncIterator", "Iterator"),
    ("AsyncWire", "Wire"),
    ("AsyncSession", "Session"),
    ("AsyncSubscription", "Subscription"),
    ("__aiter__", "__iter__"),
    ("__aenter__", "__enter__"),
    ("__aexit__", "__exit__"),
    ("async def ", "def "),
    ("async for ", "for "),
    ("async with ", "with "),
    ("await ", ""),
]


def without_await(text: str) -> str:
    """The sync client: the async one, with nothing awaited."""
    for awaited, plain in WITHOUT_AWAIT:
        text = text.replace(awaited, plain)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is not fresh")
    check = parser.parse_args().check
    files = sorted((CONTRACT / "hourbook" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        contract = Contract(files, Path(scratch))
        fresh = {PACKAGE / place: text for place, text in made(contract, files, Path(scratch))}
    there = set((PACKAGE / "_proto").glob("*.py*"))
    stale = [path for path, text in fresh.items() if not path.exists() or path.read_text() != text]
    left = sorted(there - fresh.keys())
    if check and (stale or left):
        names = ", ".join(str(path.relative_to(HERE)) for path in [*stale, *left])
        sys.exit(f"not what the contract gives: {names}; run clients/python/generate.py")
    if not check:
        for path in left:
            path.unlink()
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(fresh[path])
            print(path.relative_to(HERE))


if __name__ == "__main__":
    main()

"""The orders: what the list offers and bids, and the marketable orders that then cross it.

Every row offers its units at its on-demand price and bids for as many at its spot price. Then a dealer goes
through the books: it sweeps half of what is offered, sells what the best bids take of that, takes the best
offers with an order of which a lot comes to rest, and asks for more than there is, all or none.
"""

from oracle import Order


def provider(cloud):
    return f"{cloud}: provider"


def tenants(cloud):
    return f"{cloud}: tenants"


DEALER = "dealer"


def stages(offers, expected):
    """Yields (account, its orders), each stage complete before the next, so that the order of all is known.

    The orders are entered into `expected` as they are made: the dealer looks at the book as it must then be.
    """
    clouds = sorted({offer.cloud for offer in offers})
    for owner, side in ((provider, "SELL"), (tenants, "BUY")):
        for cloud in clouds:
            orders = [listed(owner(cloud), side, offer) for offer in offers if offer.cloud == cloud]
            for order in orders:
                expected.enter(order)
            yield owner(cloud), orders
    dealt = []
    for product in sorted({offer.product for offer in offers}):
        dealt += dealings(product, expected, first=len(dealt) + 1)
    yield DEALER, dealt


def listed(account, side, offer):
    price = offer.ask if side == "SELL" else offer.bid
    return Order(account, f"{side.lower()}-{offer.line}", offer.product, side, price, offer.units)


def dealings(product, expected, first):
    """The dealer's orders in one product, each entered before the next is thought of."""
    book, orders = expected.books[product], []

    def deal(side, price, quantity, time_in_force):
        name = f"deal-{first + len(orders)}"
        orders.append(Order(DEALER, name, product, side, price, quantity, time_in_force))
        return expected.enter(orders[-1])

    asks = book.levels("SELL")
    if asks:
        half = (depth(asks) + 1) // 2
        swept = deal("BUY", reach(asks, half), half, "IOC")
        bids = book.levels("BUY")
        if bids:
            price, lots, _ = bids[0]
            deal("SELL", price, min(swept, lots + 1), "IOC")
    asks = book.levels("SELL")
    if asks:
        price, lots, _ = asks[0]
        deal("BUY", price, lots + 1, "GTC")
    asks = book.levels("SELL")
    if asks:
        deal("BUY", asks[-1][0], depth(asks) + 1, "FOK")
    return orders


def depth(levels):
    return sum(lots for _, lots, _ in levels)


def reach(levels, wanted):
    """The price up to which there are `wanted` lots."""
    for price, lots, _ in levels:
        wanted -= lots
        if wanted <= 0:
            return price
    raise ValueError("no such depth")

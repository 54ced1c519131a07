"""What the example itself promises: rows become offers exactly, and the naive book matches by the rules."""

import unittest

import market
import oracle
import prices

ROW = {
    "cloud": "alto",
    "region": "east-1",
    "country": "US",
    "instance_type": "std-3",
    "family": "std",
    "vcpu": "3",
    "mem_gib": "12",
    "gpu": "",
    "ngpu": "0",
    "arch": "amd64",
    "shared": "0",
    "on_demand_usd_h": "0.1",
    "spot_usd_h": "0.05",
}


class Prices(unittest.TestCase):
    def test_an_offer_rounds_up_and_a_bid_down_to_the_tick(self):
        offer = prices.offer_of(2, ROW)
        self.assertEqual((offer.product, offer.units), ("X86M4.USE.B", 3))
        # 0.1 / 3 = 0.0333.., 0.05 / 3 = 0.01666..
        self.assertEqual((offer.ask, offer.bid), (33_400, 16_600))

    def test_prices_on_the_tick_stay(self):
        offer = prices.offer_of(2, ROW | {"on_demand_usd_h": "0.3", "spot_usd_h": "0.3"})
        self.assertEqual((offer.ask, offer.bid), (100_000, 100_000))

    def test_a_gpu_is_the_unit_where_there_is_one(self):
        gpus = {"gpu": "A100-80", "ngpu": "8.0", "on_demand_usd_h": "32.001", "spot_usd_h": "8"}
        offer = prices.offer_of(2, ROW | gpus)
        self.assertEqual(
            (offer.product, offer.units, offer.ask, offer.bid), ("A10080.USE.B", 8, 4_010_000, 1_000_000)
        )

    def test_every_row_is_an_offer_or_has_a_reason(self):
        rows = prices.sample()
        offers, refused = prices.read(rows)
        self.assertEqual(len(offers) + refused.total(), len(rows))
        self.assertEqual(sorted(refused.values()), [1] * 15)

    def test_regions_are_a_country_and_a_direction_or_letters(self):
        for (country, place), code in {
            ("US", "us-east4"): "USE",
            ("US", "eastus2"): "USE",
            ("KR", "asia-northeast3"): "KRNE",
            ("CN", "cn-zhangjiakou"): "CNZHAN",
        }.items():
            self.assertEqual(prices.region(country, place), code)

    def test_a_market_file_names_each_class_region_and_product_once(self):
        offers, _ = prices.read(prices.sample())
        lines = market.text(offers).splitlines()
        heads = [line for line in lines if line.startswith("[") or line.startswith('"')]
        self.assertEqual(len(heads), len(set(heads)))


class Book(unittest.TestCase):
    """Orders as (side, price, lots, time in force); what trades as (maker, taker, price, lots)."""

    def trade(self, *orders):
        expected = oracle.Expected()
        for number, (side, price, lots, time_in_force) in enumerate(orders, start=1):
            name = str(number)
            expected.enter(oracle.Order(name, name, "P", side, price, lots, time_in_force))
        fills = {}
        for account in expected.accounts.values():
            for report in account.reports:
                if report.fill:
                    trade, price, lots, part, _ = report.fill
                    fills.setdefault(trade, {"MAKER": None, "TAKER": None, "at": (price, lots)})[part] = (
                        report.order
                    )
        book = expected.books["P"]
        found = [(fill["MAKER"], fill["TAKER"], *fill["at"]) for _, fill in sorted(fills.items())]
        return expected, found, book.levels("BUY"), book.levels("SELL")

    def test_price_then_time_at_the_makers_price(self):
        _, fills, bids, asks = self.trade(
            ("SELL", 102, 5, "GTC"),
            ("SELL", 101, 3, "GTC"),
            ("SELL", 101, 4, "GTC"),
            ("BUY", 102, 9, "GTC"),
        )
        self.assertEqual(fills, [("2", "4", 101, 3), ("3", "4", 101, 4), ("1", "4", 102, 2)])
        self.assertEqual((bids, asks), ([], [(102, 3, 1)]))

    def test_what_an_ioc_order_cannot_trade_is_cancelled(self):
        expected, fills, bids, asks = self.trade(("SELL", 100, 3, "GTC"), ("BUY", 100, 8, "IOC"))
        self.assertEqual(fills, [("1", "2", 100, 3)])
        self.assertEqual(expected.accounts["2"].reports[-1].cancelled, (5, "IOC"))
        self.assertEqual((bids, asks), ([], []))

    def test_a_fok_order_that_is_short_leaves_the_book_untouched(self):
        _, fills, _, asks = self.trade(
            ("SELL", 100, 3, "GTC"), ("SELL", 101, 3, "GTC"), ("SELL", 102, 9, "GTC"), ("BUY", 101, 7, "FOK")
        )
        self.assertEqual((fills, asks), ([], [(100, 3, 1), (101, 3, 1), (102, 9, 1)]))

    def test_a_rest_waits_behind_its_level(self):
        _, fills, bids, _ = self.trade(
            ("BUY", 100, 2, "GTC"), ("SELL", 99, 1, "GTC"), ("BUY", 100, 2, "GTC"), ("SELL", 100, 2, "IOC")
        )
        self.assertEqual(fills, [("1", "2", 100, 1), ("1", "4", 100, 1), ("3", "4", 100, 1)])
        self.assertEqual(bids, [(100, 1, 1)])

    def test_money_is_neither_made_nor_lost(self):
        offers, _ = prices.read(prices.sample())
        from orders import stages

        expected = oracle.Expected()
        self.assertEqual(sum(len(entries) for _, entries in stages(offers, expected)), 650)
        accounts = expected.accounts.values()
        self.assertEqual(sum(account.cash + account.escrow for account in accounts) + expected.fees, 0)
        for account in accounts:
            self.assertEqual(account.escrow, sum(position.escrow for position in account.positions.values()))
        for book in expected.books.values():
            bids, asks = book.levels("BUY"), book.levels("SELL")
            self.assertTrue(not bids or not asks or bids[0][0] < asks[0][0])


class Position(unittest.TestCase):
    def test_closing_takes_the_average_share_and_the_last_lot_what_is_left(self):
        position = oracle.bought(oracle.Position(0, 0, 0, 0), 3, 100)
        position = oracle.sold(position, 1, 40, 2)
        self.assertEqual(position, oracle.Position(2, 67, 40 - 33 - 2, 0))
        position = oracle.sold(position, 2, 60, 0)
        self.assertEqual(position, oracle.Position(0, 0, 5 + 60 - 67, 0))
        self.assertEqual(position.escrow, 2)


if __name__ == "__main__":
    unittest.main()

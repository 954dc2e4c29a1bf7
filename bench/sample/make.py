#!/usr/bin/env python3
"""Makes the sample of values: invented sessions of an invented shop, the same ones every time.

usage: make.py | zstd -19 > sessions.jsonl.zst"""
import json
import random

COUNTRIES = ["AT", "BR", "CA", "CL", "DE", "DK", "FR", "GB", "IN", "JP", "KE", "MX", "NL", "PL", "SE", "US"]
AGENTS = ["Firefox/128.0", "Chrome/126.0", "Safari/17.5", "Edge/126.0"]
PAGES = ["/", "/cart", "/search", "/help", "/orders", "/account/settings", "/category/books", "/category/garden"]


def session(draw, number):
    visited = [{"path": draw.choice(PAGES), "ms": draw.randrange(20, 90000)} for _ in range(draw.randrange(6))]
    return {"id": f"{draw.getrandbits(64):016x}", "user": draw.randrange(10**7) if draw.random() < 0.6 else None,
            "country": draw.choice(COUNTRIES), "agent": draw.choice(AGENTS), "started": 1700000000 + number * 7,
            "cart": [{"sku": f"A{draw.randrange(10**6):06d}", "count": draw.randrange(1, 5),
                      "price": round(draw.uniform(1, 300), 2)} for _ in range(draw.randrange(4))],
            "visited": visited}


def main():
    draw = random.Random(1)
    for number in range(3000):
        print(json.dumps(session(draw, number), separators=(",", ":")))


if __name__ == "__main__":
    main()

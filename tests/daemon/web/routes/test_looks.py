"""A look at what lies in a scanner through the API: taken, shown once, and refused without a scanner."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from filmscand.daemon.web.routes import looks
from filmscand.daemon.web.site import Site


def test_a_look_is_shown_until_the_next_one(page, monkeypatch):
    taken = []

    def look(station, order):
        taken.append(order.position)
        return b"picture %d" % order.position

    monkeypatch.setattr(looks, "look", look)
    first = page.post("/api/looks", {"position": 3})
    assert (first.status, first.json) == (201, {"picture": "/api/looks/1"})
    assert page.get("/api/looks/1").body == b"picture 3"
    assert page.post("/api/looks", {}).json == {"picture": "/api/looks/2"}
    assert [page.get(f"/api/looks/{number}").status for number in (1, 2, 3)] == [404, 200, 404]
    assert taken == [3, 1]


def test_what_is_no_look_is_refused(page):
    assert page.post("/api/looks", {"position": 0}).status == 422
    assert page.get("/api/looks/1").status == 404


def test_of_two_looks_at_once_each_has_a_number_of_its_own(page, monkeypatch):
    both = threading.Barrier(2)

    async def ask_scanners(self, action, *_):
        await asyncio.to_thread(both.wait, 20)
        return b"picture"

    monkeypatch.setattr(Site, "ask_scanners", ask_scanners)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: page.post("/api/looks", {}).json["picture"], range(2)))
    assert sorted(answers) == ["/api/looks/1", "/api/looks/2"]

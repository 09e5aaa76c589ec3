"""A look at what lies in a scanner through the API: taken, shown once, and refused without a scanner."""

from __future__ import annotations

from filmscand.daemon.web.routes import looks


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

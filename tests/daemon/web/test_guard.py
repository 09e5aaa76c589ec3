"""What does not get in: rebound names, other sites, forms, what is too large or malformed."""

from __future__ import annotations

import pytest

from filmscand.daemon.web.guard import BODY_LIMIT_BYTES, CHANGE_LIMIT_BYTES, TARGET_LIMIT_BYTES


def test_a_rebound_name_reads_nothing(page):
    for path in ("/", "/api/status", "/healthz", "/metrics", "/api/events", "/static/page.js"):
        answer = page.get(path, Host="evil.example:8420")
        assert (answer.status, b"filmscand" in answer.body) == (421, False), path


def test_a_request_without_a_host_or_with_two_is_refused(page):
    assert page.send(b"GET /api/status HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")
    two = page.send(b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert two.split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_what_another_site_sends_is_refused(page, method, headers):
    answer = page.request(method, "/api/status", b"", **headers)
    assert (answer.status, answer.text) == (403, "this request comes from another site\n")
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "QUERY", "MOVE"])
def test_methods_that_nothing_here_needs_are_refused(page, method):
    answer = page.request(method, "/api/status", b"")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, DELETE, POST, PUT")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_an_address_that_is_only_read_refuses_changes_and_tells_so(page, method):
    answer = page.request(method, "/api/status", b"{}", Content_Type="application/json")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_the_page_itself_and_a_program_that_is_no_browser_may_change_something(page):
    origin = f"http://127.0.0.1:{page.port}"
    for headers in ({}, {"Origin": origin, "Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}):
        # Past the guard: the address itself is not one that can be changed.
        answer = page.request("POST", "/api/status", b"{}", Content_Type="application/json", **headers)
        assert (answer.status, answer.json) == (405, {"detail": "Method Not Allowed"}), headers


def test_a_change_through_a_rebound_name_is_refused(page):
    own = {"Host": "evil.example:8420", "Origin": "http://evil.example:8420", "Sec_Fetch_Site": "same-origin"}
    assert page.request("POST", "/api/status", b"{}", Content_Type="application/json", **own).status == 421


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"],
)
def test_a_change_that_a_form_of_another_site_could_send_is_refused(page, kind):
    headers = {} if kind is None else {"Content_Type": kind}
    answer = page.request("POST", "/api/status", b"{}", **headers)
    assert (answer.status, answer.text) == (415, "expected a body of the type application/json\n")


def test_a_change_with_two_types_is_refused(page):
    request = b"POST /api/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
    types = b"Content-Type: text/plain\r\nContent-Type: application/json\r\n\r\n{}"
    assert page.send(request + types).startswith(b"HTTP/1.1 415")


def test_a_change_that_is_too_large_is_refused_before_it_is_sent(page):
    answer = page.request(
        "POST", "/api/status", Content_Length=str(CHANGE_LIMIT_BYTES + 1), Content_Type="application/json"
    )
    assert (answer.status, answer.text) == (413, f"the request is larger than {CHANGE_LIMIT_BYTES} bytes\n")


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_body_of_unknown_length_is_refused(page, method):
    request = method + b" /api/status HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    request += b"Content-Type: application/json\r\n\r\n"
    assert page.send(request + b"5\r\nhello\r\n0\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_a_large_body_is_refused_before_it_is_sent(page):
    assert page.request("GET", "/api/status", Content_Length=str(BODY_LIMIT_BYTES + 1)).status == 413
    assert page.request("GET", "/api/status", Content_Length="9" * 15).status == 413


def test_a_long_address_and_long_headers_are_refused(page):
    assert page.get("/api/rolls/" + "a" * TARGET_LIMIT_BYTES).status == 414
    assert page.get("/api/status?" + "a" * TARGET_LIMIT_BYTES).status == 414
    assert page.get("/api/status", Cookie="a" * 60_000).status == 431


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_malformed_requests_are_refused_and_the_next_one_is_answered(page, content):
    answer = page.send(content)
    assert not answer or answer.split()[1].startswith(b"4"), answer
    assert page.get("/healthz").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/status", "/healthz", "/metrics", "/static/page.css", "/nothing", "/api/nothing"]
)
def test_no_other_site_may_show_embed_or_script_an_answer(page, path):
    headers = page.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
    assert not any(name.startswith("access-control") for name in headers)


def test_the_pages_need_nothing_that_the_policy_forbids(page, frames):
    for path in ("/", "/rolls", f"/rolls/{frames[0].roll_folder}", f"/frames/{frames[0]}", "/folders", "/log"):
        text = page.get(path).text
        assert "style=" not in text and "<style" not in text, path
        assert "<script>" not in text and " onclick=" not in text and "javascript:" not in text, path
        assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text, path


def test_a_head_is_answered_without_a_body(page):
    answer = page.request("HEAD", "/api/status")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 100

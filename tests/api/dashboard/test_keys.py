"""The page of the keys: all of them for admins, their own for others."""

from __future__ import annotations


def test_a_user_finds_the_own_keys_and_what_to_do_with_them(admin, alice, enter):
    other = admin.post("/v1/keys", json={"name": "hidden", "owner": "bob"}).json["id"]
    page = enter(alice).see("/dashboard/keys")
    assert f'data-call="DELETE /v1/keys/{alice.key_id}"' in page
    assert other not in page
    assert admin.key_id not in page
    assert 'id="new-key-form"' in page
    assert 'value="user"' in page
    assert 'value="admin"' not in page
    assert 'name="owner"' not in page
    answer = enter(alice).call("POST", "/v1/keys", json={"name": "laptop", "quotas": {}})
    assert answer.json["owner"] == "alice"
    assert answer.json["id"] in enter(alice).see("/dashboard/keys")


def test_a_viewer_sees_the_own_keys_and_can_change_none(carol, enter):
    page = enter(carol).see("/dashboard/keys")
    assert "your current key" in page
    assert "data-call" not in page
    assert "new-key" not in page.partition("<main")[2]


def test_a_long_name_is_cut_with_the_whole_in_its_title(admin, enter):
    name = "long " * 50
    admin.post("/v1/keys", json={"name": name.strip(), "owner": "x" * 250})
    page = enter(admin).see("/dashboard/keys")
    assert f'<span class="clipped" title="{name.strip()}">' in page
    assert f'<span class="clipped" title="{"x" * 250}">' in page


def test_keys_are_listed_without_their_secrets_and_can_be_revoked(admin, alice, enter):
    admin.post("/v1/keys", json={"name": "<b>small</b>", "role": "viewer", "quotas": {"queued": 3}})
    page = enter(admin).see("/dashboard/keys")
    assert "&lt;b&gt;small&lt;/b&gt;" in page
    assert "3 waiting" in page
    assert "service defaults" in page
    assert f'data-call="DELETE /v1/keys/{alice.key_id}"' in page
    assert alice.key not in page
    assert admin.key not in page


def test_the_key_one_is_signed_in_with_is_marked_and_asks_otherwise(admin, alice, enter):
    page = enter(admin).see("/dashboard/keys")
    own = page[page.index(f'id="{admin.key_id}"') :].partition("</tr>")[0]
    assert "your current key" in own
    assert "You will be signed out." in own
    assert page.count("your current key") == 1


def test_a_long_list_goes_on_behind_a_link(admin, enter, stores):
    for n in range(101):
        stores.accounts.keys.create(f"number {n}", "many", "user")
    reader = enter(admin)
    page = reader.see("/dashboard/keys")
    assert "number 0<" not in page.replace(" <small", "<")
    following = page.partition('rel="next" href="')[2].partition('"')[0]
    assert "number 0<" in reader.see(f"/dashboard/keys{following}").replace(" <small", "<")


def test_the_last_admins_key_stays(admin, enter):
    answer = enter(admin).call("DELETE", f"/v1/keys/{admin.key_id}")
    assert (answer.status_code, answer.json["detail"]) == (
        409,
        "this is the last admin key; create another one first",
    )

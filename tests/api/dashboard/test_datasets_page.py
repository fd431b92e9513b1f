"""The page of data sets, as the server writes it."""

from __future__ import annotations

import html
import re

from tests.api.uploads.archives import pictures, zipped

TIMES = "\N{MULTIPLICATION SIGN}"


def card(page, name):
    """Return the part of the page that shows one data set."""
    return next(part for part in page.split('<li class="dataset"')[1:] if re.search(rf"<h3>[^\n]*>{name}</span>", part))


def classes(names):
    return {file: content for name in names for file, content in pictures(16, f"{name}/").items()}


def test_a_data_set_is_shown_with_what_it_holds_and_where_it_is_from(alice, enter, upload):
    made = upload(alice, zipped(classes(("cat", "<dog>"))), "pets").json
    page = enter(alice).see("/dashboard/datasets")
    pets, digits = card(page, "pets"), card(page, "mnist-10k")
    for text in (
        "32 images",
        "20\N{MULTIPLICATION SIGN}20 colour",
        "2 classes",
        "&lt;dog&gt;",
        "Uploaded <time",
        "ready",
    ):
        assert text in pets
    assert "<dog>" not in page
    assert f'<img class="pixels" src="/v1/datasets/{made["id"]}/preview?redirect=false"' in pets
    for text in ("10,000 images", f"28{TIMES}28 grey", "10 classes", "Built in"):
        assert text in digits
    assert "<img" not in digits  # nobody has looked at them yet
    assert digits.index("<code>train</code> 9") < digits.index("<code>test</code> 1")


def test_pictures_come_from_this_service_as_the_policy_of_the_pages_asks(alice, enter, upload):
    made = upload(alice, zipped(pictures(16))).json
    answer = enter(alice).client.get(f"/v1/datasets/{made['id']}/preview?redirect=false")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")


def test_one_trains_on_what_is_ready_and_deletes_what_is_ones_own(alice, bob, admin, enter, upload):
    made = upload(alice, zipped(pictures(16)), "my pets").json
    page = enter(alice).see("/dashboard/datasets")
    mine, shared = card(page, "my pets"), card(page, "mnist-10k")
    assert 'href="/dashboard/new?dataset=my%20pets"' in mine
    assert f'data-call="DELETE /v1/datasets/{made["id"]}"' in mine
    assert "Delete the data set “my pets”?" in mine
    assert 'href="/dashboard/new?dataset=mnist-10k"' in shared
    assert "data-call" not in shared
    assert "my pets" not in enter(bob).see("/dashboard/datasets")
    seen_by_admin = card(enter(admin).see("/dashboard/datasets"), "my pets")
    assert "Uploaded by alice" in seen_by_admin
    assert f'href="/dashboard/new?dataset={made["id"]}"' in seen_by_admin  # the name would mean the admin's own
    assert f'data-call="DELETE /v1/datasets/{made["id"]}"' in seen_by_admin


def test_a_viewer_sees_data_sets_and_nothing_to_press(alice, carol, enter, upload):
    upload(alice, zipped(pictures(16)))
    page = enter(carol).see("/dashboard/datasets")
    assert "pets" in page
    for text in ("data-call", 'id="upload"', "upload.js", "/dashboard/new"):
        assert text not in page


def test_what_is_taken_and_how_much_stands_beside_the_form(alice, enter, settings):
    page = enter(alice).see("/dashboard/datasets")
    assert f'data-limit="{settings.max_upload_bytes}"' in page
    assert "At most 8.59 GB" in page
    assert 'min="8" max="1024"' in page
    for text in ("A zip or tar archive", "PNG, JPEG, WebP, BMP, AVIF or HEIC", "A/…, B/…"):
        assert text in page


def test_the_list_goes_on_at_another_address(alice, enter, upload):
    upload(alice, zipped(pictures(16)))
    reader = enter(alice)
    first = reader.see("/dashboard/datasets?limit=1")
    assert "mnist-10k" not in first
    older = re.search(r'href="(/dashboard/datasets\?limit=1&amp;cursor=[^"]+)"', first)
    assert older
    assert card(reader.see(html.unescape(older[1])), "mnist-10k")
    reader.see("/dashboard/datasets?cursor=nonsense", 422)


def test_a_set_whose_files_are_gone_says_so_and_cannot_be_trained_on(alice, enter, stores):
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE datasets SET state = 'missing'")
    page = enter(alice).see("/dashboard/datasets")
    assert "files missing" in card(page, "mnist-10k")
    assert "/dashboard/new?dataset=" not in page


def test_without_any_data_set_the_page_says_what_to_do(alice, carol, enter, stores):
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE datasets SET deleted_at = now()")
    assert "Upload a zip or tar of pictures above" in enter(alice).see("/dashboard/datasets")
    page = enter(carol).see("/dashboard/datasets")
    assert "No data sets yet." in page
    assert "Upload" not in page


def test_images_of_each_class_stand_beside_its_name_and_how_even_they_are(app, alice, enter, upload):
    upload(alice, zipped({**pictures(20, "cat/"), **pictures(16, "dog/")}), "uneven")
    upload(alice, zipped(classes(("cat", "dog"))), "even")
    app.extensions["ganforge"].looks.make()
    page = enter(alice).see("/dashboard/datasets")
    uneven = card(page, "uneven")
    assert "2 classes <small>16 to 20 images per class</small>" in uneven
    assert '<span class="badge">cat <small>20</small></span> <span class="badge">dog <small>16</small></span>' in uneven
    assert "2 classes <small>16 images per class</small>" in card(page, "even")
    digits = card(page, "mnist-10k")
    assert re.search(r"10 classes <small>863 to 1\D?127 images per class</small>", digits)
    assert re.search(
        r'<img class="pixels" src="/v1/datasets/ds_[^"]+/preview\?redirect=false" alt="Pictures of mnist-10k"', digits
    )


def test_classes_that_nobody_has_counted_stand_alone(alice, enter):
    digits = card(enter(alice).see("/dashboard/datasets"), "mnist-10k")
    assert "10 classes</summary>" in digits
    assert '<span class="badge">7</span>' in digits

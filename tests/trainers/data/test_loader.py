"""What is dealt: every image once a pass, whole or as windows, with its label, however the batch changes."""

from __future__ import annotations

import pytest
import torch

from trainers.assembly import domains
from trainers.data import loader as feeds
from trainers.data.augment import cut, reflect
from trainers.data.images import Images
from trainers.data.loader import ImageFeed, PairFeed
from trainers.data.preprocessing import Preprocessing
from trainers.data.rng import Draws
from trainers.data.sampler import Epochs, Sampler
from trainers.methods.replay import Pool
from trainers.process.errors import InvalidDatasetError

CPU = torch.device("cpu")
RAW = Preprocessing(0.0, 1 / 255, 1)
WHOLE = Epochs(drop_last=False)


def numbered(begin, end):
    """Images of one pixel that tells their number; their label is three times that."""
    numbers = torch.arange(begin, end)
    return Images(numbers.to(torch.uint8).view(-1, 1, 1, 1), 3 * numbers)


def told(batch):
    return batch.flatten().round().int().tolist()


@pytest.mark.parametrize("small", [0, 1 << 30])
def test_labels_stay_with_their_images_and_several_parts_are_dealt_as_one(monkeypatch, small):
    # Parts that are small together become one, larger ones stay apart.
    monkeypatch.setattr(feeds, "_SMALL", small, raising=False)
    feed = ImageFeed([numbered(0, 10), numbered(10, 17), numbered(17, 24)], 5, Draws(0, 0, CPU), RAW)
    assert (feed.sampler.count, feed.sampler.per_pass) == (24, 4)
    batches = [feed.next_batch() for _ in range(4)]
    dealt = [number for batch in batches for number in told(batch.images)]
    assert [int(label) for batch in batches for label in batch.labels] == [3 * number for number in dealt]
    assert len(set(dealt)) == 20
    # They are mixed: no batch is of one part alone.
    assert all(min(told(batch.images)) < 10 < max(told(batch.images)) for batch in batches)
    assert told(feed.pixels(torch.tensor([23, 0, 12, 9]))) == [23, 0, 12, 9]


def test_one_part_without_labels_leaves_all_without():
    bare = Images(numbered(0, 4).pixels, None)
    assert ImageFeed([numbered(0, 4), bare], 2, Draws(0, 0, CPU), RAW).next_batch().labels is None


def test_a_smaller_batch_goes_on_behind_the_images_already_dealt():
    feed = ImageFeed([numbered(0, 26)], 8, Draws(0, 0, CPU), RAW)
    whole = told(ImageFeed([numbered(0, 26)], 26, Draws(0, 0, CPU), RAW).next())
    dealt = told(feed.next())
    feed.halve()
    assert (feed.batch_size, feed.sampler.per_pass) == (4, 6)
    dealt += [number for _ in range(4) for number in told(feed.next())]
    assert dealt == whole[:24]
    assert (feed.sampler.passes, feed.sampler.position, feed.sampler.seen) == (1, 0, 24)


@pytest.mark.parametrize("count", [150, 160, 161, 164])
def test_a_budget_counts_the_batches_that_really_come_after_the_batch_became_smaller(count):
    # 15 halves to 7, of which the images dealt so far are no multiple.
    for before in range(1, count // 15):
        deck = Sampler(count, 15, Draws(0, 0, CPU))
        for _ in range(before):
            deck.next()
        deck.batch_size //= 2
        left, drawn = deck.batches_left(3, None), 0
        while deck.passes < 3:
            deck.next()
            drawn += 1
        assert (left, deck.batches_left(3, None)) == (drawn, 0)


@pytest.mark.parametrize("count", [150, 160, 161, 164])
def test_a_budget_counts_smaller_batches_too_after_the_batch_became_smaller(count):
    for before in range(1, count // 15):
        deck = Sampler(count, 15, Draws(0, 0, CPU), epochs=WHOLE)
        for _ in range(before):
            deck.next()
        deck.batch_size //= 2
        left, drawn = deck.batches_left(3, None), 0
        expected = deck.seen + deck.images_in(left)
        while deck.passes < 3:
            deck.next()
            drawn += 1
        assert (left, deck.seen) == (drawn, expected)


def test_a_budget_of_images_is_rounded_up_to_a_batch():
    deck = Sampler(40, 16, Draws(0, 0, CPU))
    assert [deck.batches_left(None, images) for images in (1, 16, 17, 100)] == [1, 1, 2, 7]
    deck.next()
    assert [deck.batches_left(None, images) for images in (1, 16, 17, 100)] == [0, 0, 1, 6]


def test_the_rest_of_an_epoch_is_a_smaller_batch_where_that_is_asked_for():
    feed = ImageFeed([numbered(0, 26)], 8, Draws(0, 0, CPU), RAW, epochs=WHOLE)
    batches = [told(feed.next()) for _ in range(4)]
    assert [len(batch) for batch in batches] == [8, 8, 8, 2]
    assert sorted(number for batch in batches for number in batch) == list(range(26))
    assert (feed.sampler.passes, feed.sampler.position, feed.sampler.seen) == (1, 0, 26)
    # The order is the same; only its end is drawn too.
    dropped = ImageFeed([numbered(0, 26)], 8, Draws(0, 0, CPU), RAW)
    assert [told(dropped.next()) for _ in range(3)] == batches[:3]


def test_a_single_image_is_never_a_batch():
    deck = Sampler(25, 8, Draws(0, 0, CPU), epochs=WHOLE)
    assert (deck.per_pass, deck.images_per_pass) == (3, 24)
    assert [len(deck.next()) for _ in range(3)] == [8, 8, 8]
    assert (deck.passes, deck.position) == (1, 0)
    assert Sampler(25, 1, Draws(0, 0, CPU), epochs=WHOLE).per_pass == 25


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("count", [24, 25, 26, 31])
def test_a_budget_counts_the_batches_and_images_that_really_come(count, drop_last):
    for images in range(1, 4 * count):
        deck = Sampler(count, 8, Draws(0, 0, CPU), epochs=Epochs(drop_last))
        left, drawn = deck.batches_left(None, images), 0
        expected = deck.images_in(left)
        while deck.batches_left(None, images):
            assert deck.batches_left(None, images) == left - drawn
            deck.next()
            drawn += 1
        assert (drawn, deck.seen) == (left, expected)
        assert images <= deck.seen < images + 8


def test_fewer_images_than_a_batch_are_refused_with_the_remedy():
    with pytest.raises(InvalidDatasetError, match="3 images, fewer than one batch of 16: set `batch_size` to 3"):
        Sampler(3, 16, Draws(0, 0, CPU))


def test_the_larger_domain_counts_the_passes_and_the_other_goes_round_faster():
    draws = Draws(0, 0, CPU)
    a, b = (ImageFeed([numbered(0, n)], 2, draws, RAW, f"order_{name}") for n, name in ((4, "a"), (10, "b")))
    pair = PairFeed(a, b)
    dealt = [(told(a.next()), told(b.next())) for _ in range(5)]
    assert pair.lead is b
    assert sorted(number for _, numbers in dealt for number in numbers) == list(range(10))
    assert sorted(number for numbers, _ in dealt[:2] for number in numbers) == list(range(4))
    assert (a.sampler.passes, b.sampler.passes, pair.sampler.epoch) == (2, 1, 1)
    state = pair.state()
    following = told(a.next()), told(b.next())
    pair.restore(state, 0)
    assert (told(a.next()), told(b.next())) == following
    pair.halve()
    assert (a.batch_size, b.batch_size, pair.batch_size) == (1, 1, 1)


@pytest.mark.parametrize(("of_a", "of_b"), [(4, 10), (10, 4)])
def test_an_epoch_of_both_domains_shows_all_of_a_and_draws_b_at_random(of_a, of_b):
    draws = Draws(0, 0, CPU)
    longest = max(of_a, of_b)
    a = ImageFeed([numbered(0, of_a)], 2, draws, RAW, "order_a", Epochs(length=longest))
    b = ImageFeed([numbered(0, of_b)], 2, draws, RAW, "order_b", Epochs(length=longest, at_random=True))
    pair = PairFeed(a, b)
    dealt = [(told(a.next()), told(b.next())) for _ in range(5)]
    assert (a.sampler.passes, b.sampler.passes, pair.sampler.epoch) == (1, 1, 1)
    counts = torch.bincount(torch.tensor([number for numbers, _ in dealt for number in numbers]), minlength=of_a)
    # 10 images of 4 are each of them twice, and two of them once more.
    assert sorted(counts.tolist()) == sorted(longest // of_a + (n < longest % of_a) for n in range(of_a))
    random = [number for _, numbers in dealt for number in numbers]
    assert set(random) <= set(range(of_b))
    state = pair.state()
    following = told(a.next()), told(b.next())
    pair.restore(state, 0)
    assert (told(a.next()), told(b.next())) == following


def test_images_drawn_at_random_are_all_as_likely_and_another_epoch_draws_others():
    deck = Sampler(10, 10, Draws(0, 0, CPU), epochs=Epochs(length=1000, at_random=True))
    epochs = [torch.cat([deck.next() for _ in range(100)]) for _ in range(2)]
    assert deck.passes == 2
    assert not torch.equal(*epochs)
    counts = torch.bincount(torch.cat(epochs), minlength=10)
    # Five standard errors of 2000 draws, of which each image has a tenth.
    assert (counts - 200).abs().max() < 5 * (2000 * 0.1 * 0.9) ** 0.5
    # An image that has been drawn is as likely as before: nothing makes the counts equal.
    assert len(set(counts.tolist())) > 1


def test_domains_are_made_of_the_first_half_of_the_classes_and_the_others():
    images = Images(torch.arange(9, dtype=torch.uint8).view(9, 1, 1, 1), torch.arange(9) % 3)
    a, b = domains({"train": images}, 3)
    assert set(a.labels.tolist()) == {0, 1}
    assert set(b.labels.tolist()) == {2}
    assert a.pixels[a.rows].flatten().tolist() == [0, 1, 3, 4, 6, 7]
    # Dealt by their places among all pixels, without those being copied.
    feed = ImageFeed([b, a], 3, Draws(0, 0, CPU), Preprocessing(0.0, 1 / 255, 1))
    dealt = [feed.next_batch() for _ in range(3)]
    assert sorted(torch.cat([batch.images for batch in dealt]).flatten().round().int().tolist()) == list(range(9))
    assert all(torch.equal(batch.images.flatten().round().long() % 3, batch.labels) for batch in dealt)
    with pytest.raises(InvalidDatasetError, match="one of the two domains is empty"):
        domains({"train": Images(images.pixels[:1], images.labels[:1])}, 3)
    with pytest.raises(InvalidDatasetError, match="neither two domains nor classes"):
        domains({"train": Images(images.pixels, None)}, 0)


def test_folders_of_domains_come_before_classes():
    a, b = numbered(0, 3), numbered(3, 9)
    assert domains({"trainA": a, "trainB": b, "testA": b, "testB": a}, 0) == (a, b)
    assert domains({"trainA": a, "trainB": b, "testA": b, "testB": a}, 0, "test") == (b, a)


def test_edges_are_reflected_without_repeating_them():
    places = torch.arange(-4, 9)
    assert reflect(places, 5).tolist() == [4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("length", [1, 2, 3, 16])
def test_a_small_image_is_reflected_as_often_as_it_takes(length):
    found = reflect(torch.arange(-64, length + 64), length)
    assert (int(found.min()), int(found.max())) == (0, length - 1)
    assert found[64 : 64 + length].tolist() == list(range(length))
    # From place to place it goes one step, or none where there is but one place.
    assert (found.diff().abs() == min(1, length - 1)).all()


def grid(size):
    """Images whose pixels tell their row (channel 0) and their column (channel 1)."""
    rows = torch.arange(size, dtype=torch.uint8).view(size, 1).expand(size, size)
    return torch.stack([rows, rows.t()])


def test_windows_lie_inside_the_reflected_edges_and_are_whole():
    images = grid(12).expand(400, 2, 12, 12)
    windows = cut(images, 8, 3, False, Draws(0, 0, CPU), "order", 0).int()
    assert windows.shape == (400, 2, 8, 8)
    padded = torch.nn.functional.pad(grid(12).float(), (3, 3, 3, 3), mode="reflect").int()
    every = {padded[:, top : top + 8, left : left + 8].numpy().tobytes() for top in range(11) for left in range(11)}
    found = {window.numpy().tobytes() for window in windows}
    assert found <= every
    # 121 places, 400 draws: about 117 of them come up.
    assert len(found) > 100


def test_every_second_image_is_mirrored_and_stays_whole():
    images = grid(6).expand(1000, 2, 6, 6)
    shown = cut(images, 6, 0, True, Draws(1, 0, CPU), "order", 0)
    plain = (shown == images).flatten(1).all(1)
    mirrored = (shown == images.flip(3)).flatten(1).all(1)
    assert bool((plain ^ mirrored).all())
    # Five standard errors.
    assert mirrored.float().mean().item() == pytest.approx(0.5, abs=5 * 0.5 / 1000**0.5)


def test_windows_depend_on_the_seed_the_stream_and_the_place_alone():
    images = torch.randint(0, 255, (16, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def draw(seed=0, salt=0, stream="order", index=0):
        return cut(images, 8, 2, True, Draws(seed, salt, CPU), stream, index)

    assert torch.equal(draw(), draw())
    for other in ({"seed": 1}, {"salt": 1}, {"stream": "order_b"}, {"index": 16}):
        assert not torch.equal(draw(), draw(**other))


def test_a_feed_shows_the_middle_to_those_who_judge_and_windows_to_those_who_learn():
    images = Images(grid(12).expand(4, 2, 12, 12), None)
    feed = ImageFeed([images], 4, Draws(0, 0, CPU), Preprocessing(0.0, 1 / 255, 8))
    assert feed.shape == (2, 8, 8)
    assert torch.equal(feed.plain(torch.tensor([1]))[0], grid(12)[:, 2:10, 2:10])
    first, second = feed.next(), feed.next()
    assert first.shape == (4, 2, 8, 8)
    assert not torch.equal(first, second)


def test_a_pool_hands_through_until_it_is_full_and_then_exchanges_half():
    pool, draws = Pool(4, (1,), CPU, "a"), Draws(0, 0, CPU)
    first = torch.arange(4.0).view(4, 1)
    assert torch.equal(pool.exchange(first, draws, 0, 0), first)
    old = 0
    for step in range(1, 201):
        fake = torch.full((1, 1), 100.0 + step)
        held = set(pool.tensors["images"].flatten().tolist())
        shown = pool.exchange(fake, draws, step, 0)
        if shown.item() != fake.item():
            old += 1
            assert shown.item() in held
            assert fake.item() in pool.tensors["images"]
            assert shown.item() not in pool.tensors["images"]
        else:
            assert set(pool.tensors["images"].flatten().tolist()) == held
    # Five standard errors of 200 even odds.
    assert abs(old - 100) < 36
    assert int(pool.tensors["count"]) == 4


def test_a_pool_of_none_hands_everything_through():
    pool = Pool(0, (1,), CPU, "a")
    fakes = torch.randn(3, 1)
    assert pool.exchange(fakes, Draws(0, 0, CPU), 0, 0) is fakes

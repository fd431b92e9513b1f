"""Images that a discriminator sees moved at random."""

from __future__ import annotations

import torch

from trainers.methods.moving import moved


def test_images_move_by_whole_pixels_and_their_edges_are_reflected():
    image = torch.arange(12.0).view(1, 1, 3, 4)
    right, up = moved(image, torch.tensor([[0.0], [1.0]])), moved(image, torch.tensor([[-1.0], [0.0]]))
    assert right[0, 0, 0].tolist() == [1.0, 0.0, 1.0, 2.0]
    assert up[0, 0].tolist() == [image[0, 0, 1].tolist(), image[0, 0, 2].tolist(), image[0, 0, 1].tolist()]


def test_each_image_of_a_batch_moves_by_its_own_offset_in_all_channels():
    torch.manual_seed(0)
    images = torch.randn(5, 3, 8, 6)
    offsets = torch.tensor([[2.0, -2.0, 0.0, 1.0, -1.0], [0.0, 1.0, -1.0, 2.0, -2.0]])
    together = moved(images, offsets)
    for n, (down, right) in enumerate(offsets.T.int().tolist()):
        inside = images[n, :, 2:-2, 2:-2]
        torch.testing.assert_close(together[n, :, 2 + down : 6 + down, 2 + right : 4 + right], inside, rtol=0, atol=0)


def test_gradients_go_back_to_the_pixels_that_were_seen():
    images = torch.zeros(1, 1, 4, 4, requires_grad=True)
    moved(images, torch.tensor([[1.0], [0.0]]))[0, 0, 3].sum().backward()
    assert images.grad[0, 0].tolist() == [[0.0] * 4, [0.0] * 4, [1.0] * 4, [0.0] * 4]

"""What a report card says of generated images, in a sentence, and what each verdict rests on."""

from __future__ import annotations

from models.messages.base import Text, Texts


class Summaries(Texts):
    """The whole sentence."""

    healthy_with_classes = Text(
        "Healthy: the images look real (fd_ratio {ratio}), are new, and show all {classes} classes."
    )
    healthy_images = Text("Healthy: the images look real (fd_ratio {ratio}), are new, and are as varied as real ones.")
    look_real_but = Text("The images look real, but {faults}.")
    # With a verdict on how real they look: closer than real images of half of their kinds, farther than those of one
    # kind, and between.
    weak_but_close = Text("Weak, but close to real images (fd_ratio {ratio}): {faults}.")
    weak = Text("Weak (fd_ratio {ratio}): {faults}.")
    far_from_real = Text("Far from real images (fd_ratio {ratio}): {faults}.")


class CardFaults(Texts):
    """What is wrong, as part of a sentence. Percentages are whole numbers or have one digit after the point."""

    unlike_real = Text("only {inside} % of the images lie among real ones ({real} % of new real images do)")
    like_none = Text("{share} % of the images look like no real image")
    off_real = Text("all images differ from real ones in the same way, as blurred or pale images do")
    other_shapes = Text("the shapes are farther from real ones than those of new real images are")
    other_detail = Text("the fine detail is unlike that of real images, as in noisy, smooth or checkered images")
    classes_lost = Text("only {present} of {classes} classes appear")
    kinds_lost = Text("kinds of images are missing that make up {share} % of the real ones")
    repeats_itself = Text("{share} % of the images repeat others")
    copies_training = Text("{share} % of the images are copies of training images")

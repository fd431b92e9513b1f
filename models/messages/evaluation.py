"""What a report card says of generated images, in a sentence, and what each verdict rests on."""

from __future__ import annotations

from models.messages.base import Text, Texts


class Summaries(Texts):
    """The whole sentence."""

    healthy_with_classes = Text("Healthy: the images look real, are new, and show all {classes} classes.")
    healthy_images = Text("Healthy: the images look real, are new, and are as varied as real ones.")
    look_real_but = Text("The images look real, but {faults}.")
    images_faulty = Text("Not healthy: {faults}.")


class CardFaults(Texts):
    """What is wrong, as part of a sentence. Percentages are whole numbers or have one digit after the point."""

    unlike_real = Text("only {inside} % of the images lie among real ones ({real} % of new real images do)")
    off_real = Text("all images differ from real ones in the same way, as blurred or pale images do")
    classes_lost = Text("the generator paints only {present} of {classes} classes")
    kinds_lost = Text("kinds are missing that {share} % of the real images belong to")
    repeats_itself = Text("{share} % of the images repeat others")
    copies_training = Text("{share} % of the images are copies of training images")

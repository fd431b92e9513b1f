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

    none_like_real = Text("hardly any of the images lie among real ones ({real} % of new real images do)")
    unlike_real = Text("only {inside} % of the images lie among real ones ({real} % of new real images do)")
    like_none = Text("{share} % of the images look like no real image")
    off_real = Text("all images differ from real ones in the same way, as blurred or pale images do")
    other_shapes = Text("the shapes are farther from real ones than those of new real images are")
    other_detail = Text("the fine detail is unlike that of real images, as in noisy, smooth or checkered images")
    classes_lost = Text("only {present} of {classes} classes appear")
    kinds_lost = Text("kinds of images are missing that make up {share} % of the real ones")
    repeats_itself = Text("{share} % of the images repeat others")
    copies_training = Text("{share} % of the images are copies of training images")


class Advice(Texts):
    """What to try after a verdict."""

    look_at_alerts = Text("Look at the alerts and curves of the training first: it went wrong, or has only begun.")
    train_longer = Text("More training, as long as the curve of fd_ratio still falls.")
    best_checkpoint = Text("Evaluate the checkpoint best instead of latest.")
    stronger_recipe = Text("A larger width, or another recipe: compact and r3gan are the strongest here.")
    look_at_classes = Text("Look at the classes: what is missing there is missing in the images.")
    calmer_training = Text("Lower learning rates, or a recipe that rarely collapses: compact or r3gan.")
    earlier_with_coverage = Text("An earlier checkpoint, if coverage was higher before.")
    more_of_missing_kinds = Text("More training images of the missing kinds.")
    look_at_pairs = Text("Look at the closest pairs: are they the same image?")
    more_images = Text("More training images, or augmentation, which shows each image in many forms.")
    earlier_or_smaller = Text("An earlier checkpoint, or a smaller width: small sets are learned by heart.")

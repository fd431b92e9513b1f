"""What a training tells: alerts, log lines, and how it fails."""

from __future__ import annotations

from models.messages.base import Text, Texts


class Alerts(Texts):
    """Something is wrong with a training that goes on. The live page shows these as they come."""

    discriminator_too_strong = Text(
        "the discriminator is nearly perfect, so the generator gets little signal; lower `d_learning_rate`, or smooth"
        " its labels"
    )
    generator_too_strong = Text(
        "the discriminator is almost always wrong, so the generator gets little useful signal; lower "
        "`g_learning_rate`, or give the discriminator more steps"
    )
    gradient_norm = Text(
        "gradients stay over {times} times their usual size and the loss is worse than usual, which often precedes "
        "loss spikes or NaN; lower the learning rate"
    )
    collapse = Text(
        "the generator makes few kinds of images, whatever the noise (mode collapse); go back to an earlier "
        "checkpoint, with lower learning rates or another recipe"
    )
    generator_stalled = Text(
        "the generator has stopped learning: its gradient has vanished, or its images no longer change; raise "
        "`g_learning_rate`, or weaken the discriminator"
    )
    overfitting = Text(
        "the discriminator has memorized its training images: held-out images look fake to it; use more images, a "
        "smaller `width`, or stop here"
    )
    critic_reversed = Text(
        "the critic scores fakes above real images, so its distance estimate has the wrong sign; give it more steps, "
        "or lower `g_learning_rate`"
    )
    critic_unbounded = Text(
        "the critic's distance estimate keeps growing; lower `d_learning_rate`, or raise the penalty"
    )
    balance_stuck = Text(
        "`k` stays at one end of its range, so nothing balances the two networks; change `gamma`, or lower the "
        "learning rates"
    )
    cycle_loss_rises = Text(
        "the cycle loss rises: translations lose the content of their images; lower the learning rate, or raise `cycle`"
    )
    metric_not_a_number = Text(
        "a metric is NaN or infinite at step {step}; rolling back to step {back} with different draws"
    )
    weight_not_a_number = Text(
        "a weight is NaN or infinite at step {step}; rolling back to step {back} with different draws"
    )
    batch_halved = Text("memory ran out with batches of {size} images; continuing from step {step} with {half}")
    stalled = Text(
        "the trainer has made no progress for {seconds} s while {phase} (limit {limit} s); it is killed, and the job "
        "continues from its last checkpoint if it has attempts left"
    )
    checkpoint_skipped = Text("the checkpoint of step {step} is gone or damaged; using the one before")


class Logs(Texts):
    """Log lines, and why a training ended well before its budget."""

    checkpoint_not_written = Text("a checkpoint could not be written, training continues: {error}")
    unknown_command = Text("unknown command: {text}")
    preparing = Text("preparing {name} at {size} pixels once: {total} pictures")
    prepared = Text("preparing {name} at {size} pixels: {done} of {total}")
    no_face_detector = Text(
        "no face detector on this machine (opencv-python-headless 4 has one); using a center crop instead"
    )
    threads_kept = Text(
        "continuing with {threads} threads, as when the checkpoint was made, for bit-identical weights (this worker "
        "offers {offered})"
    )
    precision_measured = Text(
        "computing in {precision}: on this processor bfloat16 products run at {times} times the speed of float32 ones"
    )
    no_graphs = Text("CUDA graphs cannot be recorded here, training continues without them: {error}")
    other_ground = Text(
        "continuing with other hardware or libraries than the checkpoint was made with ({changes}): the last bits of "
        "the weights may differ from an unchanged run"
    )
    no_judge = Text("image quality is not measured, training continues without: {error}")
    too_few_to_judge = Text(
        "image quality is not measured: that takes {least} training images and {least} others, and there are {train} "
        "and {others}"
    )
    stopped_by_alarm = Text("stopped by the alarm {alarm}, as set in `on_alert`")
    nothing_to_go_back_to = Text("the alarm {alarm} rolls back no more than {times} times; training continues")
    no_better = Text("{monitor} has not improved for {waited} measurements; the best was {best} in epoch {epoch}")


class Failures(Texts):
    """Why an attempt cannot go on: memory, numbers, the device, the spec."""

    metric_diverged = Text(
        "a metric is NaN or infinite at step {step} ({numbers}), again after a rollback; lower the learning rate"
    )
    weight_diverged = Text(
        "a weight is NaN or infinite at step {step} ({numbers}), again after a rollback; lower the learning rate"
    )
    out_of_memory = Text(
        "the device ran out of memory: lower `batch_size` or `width`, or use a queue whose devices have more memory "
        "({words})"
    )
    out_of_memory_at_the_smallest = Text(
        "the device ran out of memory with batches of {size} images, which cannot be halved any more: lower `width` or "
        "`image_size`, or use a queue whose devices have more memory ({words})"
    )
    networks_too_large = Text(
        "the device ran out of memory: gradients, optimizer and a checkpoint of these networks take {needed} GB beside "
        "the {held} GB in use, and a job may have {allowed} GB; lower `width` or `image_size`, or use a queue whose "
        "devices have more memory"
    )
    no_space = Text("the scratch folder is full; free some space on the worker's disk ({words})")
    crashed = Text("{kind}: {words}")
    unknown_device = Text("device is {device}; it must be cpu or cuda")
    no_cuda = Text("device is cuda, but this torch sees no CUDA device; check the driver, or use the cpu queue")
    no_bfloat16 = Text(
        "{device} has no bfloat16: set `precision` to float32, or use a device of NVIDIA's Ampere generation or later"
    )
    no_units = Text(
        "the job began in bfloat16, and on this processor bfloat16 products run at {times} times the speed of float32"
        " ones; resume it on a worker whose processor has bfloat16 units (AMX, AVX512-BF16), or start it again with "
        "`precision` float32"
    )
    unknown_recipe = Text("this trainer does not know the recipe {name}; it has {recipes}")
    unknown_output = Text("output is {output}; it must be grid, images, interpolation or translate")
    no_memory_for_torch = Text("the device has too little memory for torch itself ({error})")
    nothing_to_translate = Text("there is no data set to translate")
    nothing_to_judge = Text("there is neither a checkpoint nor a data set to judge")
    no_such_network = Text("{recipe} has no {name}, so it cannot make this output")
    no_room_to_prepare = Text(
        "{name} at {size} pixels needs {needed} GB in {folder}, and {free} GB are free beside the disk's reserve "
        "(GANFORGE_DISK_RESERVE_BYTES); make room there, or train smaller images"
    )


class CheckpointFaults(Texts):
    """Why a checkpoint cannot be used."""

    other_format = Text("{name} has format {format}; this trainer reads {known}")
    tensors_damaged = Text("{name} is damaged: its tensors do not match their checksum")
    not_a_checkpoint = Text("{name} cannot be read as a checkpoint: {error}")
    incomplete = Text("the checkpoint lacks or has unreadable {error}")
    unknown_tensor = Text("the checkpoint has an unknown tensor {name}")
    lacks_tensor = Text("the checkpoint lacks tensor {name}")
    other_tensor = Text("tensor {name} of the checkpoint is {given} {given_shape}, the networks have {wanted} {shape}")
    other_recipe = Text("the checkpoint belongs to the recipe {recipe}, the job to {wanted}")
    undescribed = Text("the checkpoint does not describe its networks: {error}")
    claims_value = Text("the checkpoint claims a {field} of {value}")
    claims_shape = Text("the checkpoint claims images of {shape}")

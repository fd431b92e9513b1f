"""What a training tells: alerts, log lines, and how it fails."""

from __future__ import annotations

from models.messages.base import Text, Texts


class Alerts(Texts):
    """Something is wrong with a training that goes on. The live page shows these as they come."""

    discriminator_too_strong = Text(
        "the discriminator tells real from fake without effort; the generator has nothing to learn from: lower "
        "`d_learning_rate`, or smooth its labels"
    )
    generator_too_strong = Text(
        "the discriminator is wrong nearly always; what the generator learns from it means little: lower "
        "`g_learning_rate`, or give the discriminator more steps"
    )
    gradient_norm = Text(
        "a gradient stays over {times} times its usual size, and the loss is worse than usual; lower the learning rate"
    )
    collapse = Text(
        "the generator makes few kinds of images, whatever the noise: go back to an earlier checkpoint, with lower "
        "learning rates or another recipe"
    )
    generator_stalled = Text(
        "the generator has stopped learning: its gradient has vanished, or its images stay the same; raise "
        "`g_learning_rate`, or weaken the discriminator"
    )
    overfitting = Text(
        "the discriminator knows its training images by heart: held-out images look like fakes to it; use more images, "
        "a smaller `width`, or stop here"
    )
    critic_reversed = Text(
        "the critic scores fakes above real images, so that its estimate of the distance has the wrong sign; give it "
        "more steps, or lower `g_learning_rate`"
    )
    critic_unbounded = Text(
        "the critic's estimate of the distance grows without end; lower `d_learning_rate`, or raise the penalty"
    )
    balance_stuck = Text(
        "`k` stays at an end of its range, so that nothing balances the two networks; change `gamma`, or lower the "
        "learning rates"
    )
    cycle_loss_rises = Text(
        "the cycle loss rises: translations lose the content of their images; lower the learning rate, or raise `cycle`"
    )
    metric_not_a_number = Text("a metric is not a number at step {step}; going back to step {back} with other draws")
    weight_not_a_number = Text("a weight is not a number at step {step}; going back to step {back} with other draws")
    batch_halved = Text("memory ran out with batches of {size} images; going on from step {step} with {half}")
    stalled = Text(
        "the trainer has made no progress for {seconds} s while {phase}, where {limit} s are allowed; it is killed, "
        "and the job goes on from its last checkpoint if it has attempts left"
    )
    checkpoint_skipped = Text("checkpoint of step {step} is gone or damaged; going back to the one before")


class Logs(Texts):
    """Log lines, and why a training ended well before its budget."""

    checkpoint_not_written = Text("a checkpoint was not written, training goes on: {error}")
    unknown_command = Text("unknown command: {text}")
    preparing = Text("preparing {name} at {size} pixels once: {total} pictures")
    prepared = Text("preparing {name} at {size} pixels: {done} of {total}")
    no_face_detector = Text(
        "no face detector on this machine (opencv-python-headless 4 has one): taking the middle instead"
    )
    threads_kept = Text(
        "going on with {threads} threads, as the checkpoint was made, for the same weights to the bit (this worker "
        "offers {offered})"
    )
    precision_measured = Text(
        "computing in {precision}: bfloat16 products run at {times} times the speed of float32 ones on this processor"
    )
    no_graphs = Text("steps are not recorded as CUDA graphs here, training goes on without: {error}")
    other_ground = Text(
        "going on with other hardware or libraries than the checkpoint was made with ({changes}): the last bits of the "
        "weights may differ from a run without this change"
    )
    no_judge = Text("the quality of the images is not measured, training goes on without: {error}")
    too_few_to_judge = Text(
        "the quality of the images is not measured: that takes {least} training images and {least} others, and there "
        "are {train} and {others}"
    )
    stopped_by_alarm = Text("stopped by the alarm {alarm}, as `on_alert` says")
    nothing_to_go_back_to = Text("the alarm {alarm} goes back no further, training goes on: {times} times are enough")
    no_better = Text("no better {monitor} in {waited} measurements; the best was {best} in epoch {epoch}")


class Failures(Texts):
    """Why an attempt cannot go on: memory, numbers, the device, the spec."""

    metric_diverged = Text(
        "a metric is not a number at step {step} ({numbers}), again after going back once: lower the learning rate"
    )
    weight_diverged = Text(
        "a weight is not a number at step {step} ({numbers}), again after going back once: lower the learning rate"
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
    no_space = Text("the scratch folder has no room left: free some on the worker's disk ({words})")
    crashed = Text("{kind}: {words}")
    unknown_device = Text("device is {device}; it must be cpu or cuda")
    no_cuda = Text("device is cuda, but this torch sees no CUDA device; check the driver, or use the cpu queue")
    no_bfloat16 = Text(
        "{device} has no bfloat16: set `precision` to float32, or use a device of NVIDIA's Ampere generation or later"
    )
    no_units = Text(
        "the job began in bfloat16, and on this processor bfloat16 products run at {times} times the speed of float32 "
        "ones: resume it on a worker whose processor has units for bfloat16 (AMX, AVX512-BF16), or start it anew with "
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
    incomplete = Text("the checkpoint lacks or garbles {error}")
    unknown_tensor = Text("the checkpoint has an unknown tensor {name}")
    lacks_tensor = Text("the checkpoint lacks tensor {name}")
    other_tensor = Text("tensor {name} of the checkpoint is {given} {given_shape}, the networks have {wanted} {shape}")
    other_recipe = Text("the checkpoint belongs to the recipe {recipe}, the job to {wanted}")
    undescribed = Text("the checkpoint does not describe its networks: {error}")
    claims_value = Text("the checkpoint claims a {field} of {value}")
    claims_shape = Text("the checkpoint claims images of {shape}")

"""What becomes of jobs: refused orders, the ends of attempts, quotas; and the state of data sets, keys and queues."""

from __future__ import annotations

from models.messages.base import Text, Texts


class OrderFaults(Texts):
    """Why something cannot be asked of a job."""

    cannot = Text("cannot {action} a job that is {state}")
    cannot_while = Text("cannot {action} a job that is {state} and was asked to {pending}")
    possible_now = Text("possible actions: {allowed}")
    move = Text("move to {state}")
    no_place = Text("a job that is {state} has no place in a queue to change; leave `order` out")
    filter_matches = Text("the filter matches {count} jobs, not {expected}")
    delete_unfinished = Text("a job that is {state} cannot be deleted; cancel it first")
    job_needed = Text("unfinished job {job} needs this job; cancel that one or wait until it has finished")
    job_in_trash = Text("job {job} is in the trash; restore it first")
    artifact_resumed_from = Text("its job has not finished and would resume from this file; cancel the job first")
    artifact_read = Text("unfinished job {job} reads this file; cancel that one or wait until it has finished")
    fence_lost = Text("job {job} is no longer held with fence {fence}")


class Reasons(Texts):
    """Why a job moved from one state to another."""

    canceled_by_request = Text("canceled by request")
    paused_by_request = Text("paused by request")
    paused_by_alarm = Text("paused by the alarm {alarm}, as set in `on_alert`; resume it to continue")
    resumed_by_request = Text("resumed by request")
    worker_shut_down = Text("the worker shut down; another attempt continues from the checkpoint")
    told_to_stop = Text("the trainer was told to stop; another attempt continues")
    trainer_ended_by = Text("trainer ended by {signal}")
    trainer_stalled = Text("the trainer made no progress for {seconds} s while {phase}")
    disk_full = Text("the worker's disk is full")
    lacks_units = Text("the worker's processor has no bfloat16 units, with which the job began")
    awaits_extractor = Text("waiting for the extractor of data set {name}, which job {job} is making")
    lease_ran_out = Text("worker {worker} was lost: its lease expired")


class LogMarks(Texts):
    """Lines of a log that no trainer wrote."""

    lines_left_out = Text("… {count} line left out …", "… {count} lines left out …")
    next_attempt = Text("… attempt {number} …")
    more_match = Text("… more than {count} line matches …", "… more than {count} lines match …")


class Ends(Texts):
    """Why an attempt failed, as far as the trainer itself did not say so."""

    artifact_not_stored = Text("an artifact could not be stored: {error}")
    max_runtime = Text("stopped with a checkpoint at the time limit of {limit} s (max_runtime_s)")
    max_runtime_from_zero = Text(
        "stopped at the time limit of {limit} s (max_runtime_s); submit it again with a higher limit: it starts from "
        "scratch"
    )
    no_memory_at_all = Text("the trainer ran out of memory and gave up; lower batch_size or width")
    killed_for_memory = Text(
        "the machine ran out of memory and the kernel killed the trainer; lower batch_size or width"
    )
    exited = Text("the trainer exited with code {exit_code} before it had finished")
    ended_by = Text("the trainer was ended by {signal}")
    stacks = Text("{what}\nwhat its threads were doing:\n{stacks}")
    no_stacks = Text("{what}; it could not tell what its threads were doing: the process was {state}")
    unreadable = Text("unreadable message from the trainer: {error}")
    worker_met = Text("the worker met {kind}: {error}")
    database_silent = Text("no contact with the database for {leases} leases")
    attempts_died = Text("{died} of {most} attempts died; the last one: {last}")

    source_gone = Text("the checkpoint to sample from is gone or damaged (job {job}); sample from another one")
    judged_gone = Text("the checkpoint to evaluate is gone or damaged (job {job}); evaluate another one")
    start_gone = Text(
        "the checkpoint to start from is gone or damaged (job {job}); retry from another one, or from scratch"
    )
    no_checkpoint_readable = Text("no checkpoint of this job can be read; retry from scratch")
    dataset_unknown_here = Text("data set {name} is not known to this worker; GET /v1/datasets lists all")
    dataset_deleted = Text("data set {name} was deleted; name another one")
    dataset_damaged = Text("data set {name} is damaged in the object store; upload it again")
    dataset_gone = Text("data set {name} is gone from the object store; upload it again")


class ObjectFaults(Texts):
    """What the object store did not do."""

    no_object = Text("object {key} is not in the store")
    object_damaged = Text("object {key} is damaged: its sha256 is not the one that was stored")
    store_refused = Text("the object store refused {key}: {error}")
    store_refused_with = Text("the object store refused {key} with status {status}")
    store_error = Text("the object store answered {key} with an error")
    store_silent = Text("the object store does not answer: {error}")
    no_bucket = Text("bucket {name} does not exist")


class Missing(Texts):
    """Missing that are not there, or belong to others."""

    no_job = Text("job {job} not found, or you have no access")
    no_artifact = Text("artifact {artifact} not found, or you have no access")
    no_dataset = Text("data set {dataset} not found, or you have no access")
    no_key = Text("key {key} not found, or you have no access")
    no_queue = Text("queue {name} not found")
    no_worker = Text("worker {worker} not found")
    no_such_artifact = Text("artifact not found, or you have no access")
    no_such_dataset = Text("data set not found, or you have no access")
    no_such_job = Text("job not found, or you have no access")
    no_such_key = Text("key not found, or you have no access")
    no_jobs = Text("jobs {jobs} not found, or you have no access")
    no_such_link = Text("this link has expired or was revoked, or the job is gone; ask whoever sent it to you")
    no_such_share = Text("this job has no such link, or it has expired")
    no_such_name = Text("there is nothing with this name")
    no_such_recipe = Text("there is no such recipe; available: {recipes}")
    no_such_worker = Text("this worker has not been seen for a day")
    no_preview = Text("this data set has no preview yet; it is made when the service starts")


class Conflicts(Texts):
    """Changes that the present state of data sets, keys, queues and requests does not allow."""

    name_shared = Text("{name} is the name of a shared data set; choose another name")
    name_taken = Text("you have a data set called {name} already; delete it first, or choose another name")
    not_uploaded = Text("this data set is {source}, not uploaded: it cannot be deleted here")
    dataset_needed = Text(
        "{count} unfinished job needs this data set; cancel such jobs or wait for their end",
        "{count} unfinished jobs need this data set; cancel such jobs or wait for their end",
    )
    dataset_deleted_meanwhile = Text(
        "data set {dataset} was deleted while this job was being stored; choose another one"
    )
    job_deleted_meanwhile = Text(
        "job {job} was deleted while this job was being stored; restore it from the trash, or name another one"
    )
    checkpoint_removed_meanwhile = Text(
        "checkpoint {checkpoint} was removed while this job was being stored; send the request again to use a newer one"
    )
    last_admin_key = Text("this is the last admin key; create another one first")
    too_many_keys = Text("you have {limit} keys, the limit; revoke one first")
    too_many_links = Text("this job has {limit} links, its limit; revoke one first, or wait until one has expired")
    cannot_drain = Text("cannot drain a worker that has stopped; it takes no jobs")
    cannot_undrain = Text("cannot undrain a worker that has stopped; it takes no jobs")
    first_request_under_way = Text("the first request with this Idempotency-Key is still in progress; try again")
    key_used_before = Text(
        "this Idempotency-Key was used with another body in the last 72 hours; use a fresh key for a new job"
    )
    event_id_malformed = Text("Last-Event-ID must be an id that this stream has sent: job:seq")
    event_id_unknown = Text("Last-Event-ID names no event of this stream; leave it out to start from now")


class QuotaFaults(Texts):
    """Quotas."""

    jobs_wait = Text(
        "{count} jobs of {owner} are queued, and this key allows {limit} (quota `queued`); wait for some to start, "
        "cancel some, or ask an admin for a key with a higher quota"
    )
    bytes_stored = Text(
        "{owner} stores {used} bytes, this would add {more}, and this key allows {limit} (quota `stored_bytes`); "
        "delete data sets or jobs, or ask an admin for a key with a higher quota"
    )

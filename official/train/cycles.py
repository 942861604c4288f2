"""When a training ends and after which epochs it is scored; in cycles, as the original counts."""

from official.run.options import RunOptions


def last_step(train_epochs: int, steps_per_epoch: int, options: RunOptions) -> int:
    """Returns the update after which a training ends.

    The original trains in cycles of `epochs_between_evals` epochs, from `ratio_fine_eval` on of one
    epoch, and its `max_train_steps` ends each of them, not the whole.
    """
    limit = options.max_train_steps
    if not limit:
        return train_epochs * steps_per_epoch
    if not options.original_cycles:
        return min(train_epochs * steps_per_epoch, limit)
    ends = evaluation_epochs(train_epochs, train_epochs, options)
    lengths = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    return sum(min(limit, length * steps_per_epoch) for length in lengths)


def evaluation_epochs(train_epochs: int, epochs: int, options: RunOptions) -> list[int]:
    """Returns which of `epochs` end with a score; `ratio_fine_eval` is a share of the recipe's."""
    every = options.epochs_between_evals
    chosen = set(range(every, epochs + 1, every))
    fine_from = int(train_epochs * options.ratio_fine_eval)
    if options.original_cycles and fine_from < train_epochs:
        fine_from = fine_from // every * every
    return sorted(chosen | set(range(fine_from + 1, epochs + 1)) | {epochs})

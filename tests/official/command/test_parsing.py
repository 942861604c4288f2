"""Command lines that cannot be read: one line says which flag is meant, or what it takes."""

import pytest
from absl import flags

from official.command import original_flags, parsing
from official.train import __main__ as train_command

FLAGS = flags.FLAGS


def read(call_command, *arguments):
    """What is said of a command line of `official.train`; "" if it can be read."""

    def said():
        try:
            words = parsing.read(["train", *arguments])[1:]
            return "".join(map(parsing.hint_of, words))
        except parsing.BadCommandLine as error:
            return str(error)

    return call_command(train_command, function=said)


@pytest.mark.parametrize(
    "argument, message",
    [
        ("--epochs=5", "no flag --epochs; did you mean --train_epochs?"),
        ("--lr=0.1", "no flag --lr; did you mean --base_learning_rate?"),
        ("--learning-rate=0.1", "did you mean --base_learning_rate?"),
        ("--batchsize=3", "did you mean --batch_size"),
        ("--nouse_dropblok", "did you mean --use_dropblock?"),
        ("--zero_gama", "did you mean --zero_gamma?"),
        ("--xyzzy", "no flag --xyzzy; see --help."),
        ("--train_epochs=0.5", "--train_epochs=0.5: it must be a whole number, at least 0."),
        ("--mixup_type=3", "--mixup_type=3: it must be a whole number, at least 0, at most 2."),
        ("--dtype=fp8", "--dtype=fp8: it must be one of fp32, fp16, bf16."),
        ("--use_se_block=ja", "--use_se_block=ja: it must be true or false"),
        ("--model_dir", "--model_dir has no value: write --model_dir=VALUE"),
        ("--flagfile=/nowhere", "--flagfile=/nowhere cannot be read: No such file"),
        ("—data_dir=x", "did you mean --data_dir=x?"),
        ("data_dir=x", "did you mean --data_dir=x?"),
    ],
)
def test_one_line_says_what_is_meant(call_command, argument, message):
    said = read(call_command, argument)
    assert message in said and "\n" not in said


@pytest.mark.parametrize("following", ["--clean", "-clean", "--noclean", "--cleen"])
def test_a_flag_is_no_value_of_another(call_command, following):
    said = read(call_command, "--data_dir=d", "--model_dir", following)
    assert said.startswith(f"--model_dir has no value: {following} comes next.")


def test_values_that_begin_with_a_dash_are_values(call_command):
    def values():
        parsing.read(["train", "--num_gpus", "-1", "--model_dir=--odd", "-lr_warmup_epochs", "0.5"])
        return FLAGS.num_gpus, FLAGS.model_dir, FLAGS.lr_warmup_epochs

    assert call_command(train_command, function=values) == (-1, "--odd", 0.5)


def test_a_dead_flag_may_be_switched_off(call_command):
    def refused(*arguments):
        return call_command(train_command, *arguments, function=original_flags.refused)

    for argument in ("--return_embedding=False", "--noreturn_embedding", "--zeroshot_eval=0"):
        assert refused(argument) == []
    assert refused("--return_embedding", "--model_dir=x") == [
        "--return_embedding=True: the output `embedding` of an exported model holds it"
    ]


def test_a_flag_file_names_others_from_anywhere(call_command, tmp_path, monkeypatch):
    (tmp_path / "rows [1]/a").mkdir(parents=True)
    base, above = tmp_path / "rows [1]/base.flags", tmp_path / "rows [1]/a/row.flags"
    base.write_text("# first\n--train_epochs=3\n\n--use_se_block\n--mixup_type=1\n")
    above.write_text("--flagfile=rows [1]/base.flags\n--nouse_se_block\n--batch_size=8\n")
    (tmp_path / "other/rows [1]").mkdir(parents=True)
    (tmp_path / "other/rows [1]/base.flags").write_text("--train_epochs=99\n")

    def values(*arguments):
        def read():
            parsing.read(["train", *arguments])
            return FLAGS.train_epochs, FLAGS.use_se_block, FLAGS.mixup_type, FLAGS.batch_size

        return call_command(train_command, function=read)

    # A file beside it comes before one of the same name in the working directory.
    for folder in (tmp_path, tmp_path / "other"):
        monkeypatch.chdir(folder)
        assert values(f"--flagfile={above}", "--mixup_type=2") == (3, False, 2, 8)
    monkeypatch.chdir(above.parent)
    assert values("--mixup_type=2", "--flagfile", "row.flags") == (3, False, 1, 8)
    base.write_text("--flagfile=a/row.flags\n")
    assert "it names itself" in read(call_command, f"--flagfile={above}")

"""Bytes on disk: what each data set is, converters to TFRecord, readers of TFRecord."""

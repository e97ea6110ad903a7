"""payerlake on engines and storage of its own: a standalone cluster, HDFS, S3, and readers that are not Spark."""

"""Removes the digits from a folder of photos on a Spark cluster.

    spark-submit benches/scale/spark.py PROGRAM PHOTOS BOXES OUT PARTITIONS

PHOTOS, a folder, and OUT may be in any file system that Spark knows, such as s3a://bucket/photos. PROGRAM
and BOXES, a list of boxes that names photos by their paths in PHOTOS, must be at the same place on every
machine. OUT becomes a data set with a row for each
photo: name, result, record.
"""

import pathlib
import sys

from pyspark.sql import SparkSession

HERE = pathlib.Path(__file__).parent


def main(program, photos, boxes, out, partitions):
    spark = SparkSession.builder.appName("doorplate").getOrCreate()
    spark.sparkContext.addPyFile(str(HERE / "archives.py"))
    spark.sparkContext.setLogLevel("ERROR")

    # Names without folders would be the same for photos of several folders.
    path = spark._jvm.org.apache.hadoop.fs.Path(photos)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())
    root = system.makeQualified(path).toString().rstrip("/") + "/"

    def erase_partition(rows):
        from archives import erase

        photos = ((row.path.removeprefix(root), bytes(row.content)) for row in rows)
        for name, result, record in erase(program, photos, ["--boxes", boxes]):
            yield name, result and bytearray(result), record

    files = (
        spark.read.format("binaryFile")
        .option("recursiveFileLookup", "true")
        .option("pathGlobFilter", "*.{png,jpg,jpeg,webp,gif,bmp,tif,tiff}")
        .load(photos)
        # More partitions than cores: what a lost machine did is done again, and that should be little.
        .repartition(int(partitions))
    )
    erased = files.rdd.mapPartitions(erase_partition)
    spark.createDataFrame(erased, "name string, result binary, record string").write.mode(
        "overwrite"
    ).parquet(out)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

// The default generator, the default type and the number of threads are the process's: tests that seed, set or count them
// would see each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

# Timeout and Benchmark.
module Timeout
  class Error < RuntimeError; end
  class ExitException < Exception; end
  def self.timeout(seconds, *_) = yield(seconds)
  def timeout(seconds, *_) = yield(seconds)
end

module Benchmark
  Tms = Struct.new(:utime, :stime, :cutime, :cstime, :real, :label)
  def self.realtime
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
  end
  def self.measure(label = "") = Tms.new(0.0, 0.0, 0.0, 0.0, realtime { yield }, label)
end

module Kernel
  def timeout(seconds, *_) = yield(seconds)
end

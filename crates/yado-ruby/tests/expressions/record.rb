# Writes the answers of every table in this folder anew, by the Ruby that runs this (3.1):
#   TZ=UTC LC_ALL=C.UTF-8 ruby --disable=did_you_mean --disable=error_highlight record.rb
# A table is a line per expression, `expression #=> answer`; a line without an answer gets one.

require_relative "driver"

SEPARATOR = " #=> "

def tables = Dir.glob(File.join(__dir__, "*.txt")).sort

if ARGV.empty?
  # One process per table, because expressions define methods and classes.
  tables.each { |path| system("ruby", "--disable=did_you_mean", "--disable=error_highlight", "-W0", __FILE__, path) || abort }
else
  expressions = File.readlines(ARGV[0], chomp: true).map { |line| line.split(SEPARATOR, 2).first }
  answered = expressions.map { |expression| "#{expression}#{SEPARATOR}#{__answer(expression)}" }
  File.write(ARGV[0], answered.join("\n") + "\n")
end

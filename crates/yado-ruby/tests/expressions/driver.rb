# What an expression answers: `inspect` of its value, or the exception that it raised. Run by Ruby itself
# (`record.rb`, which writes the answers down) and by the evaluator (`tests/expressions.rs`).

%w[yaml json erb set shellwords ipaddr uri pathname base64 digest securerandom ostruct stringio date csv
   forwardable singleton delegate timeout benchmark logger etc socket open3 monitor rubygems time].each { |name| require name }

def __answer(expression)
  value = eval(expression)
  text = value.inspect
  (text.is_a?(String) ? text : text.class.to_s).gsub("\n", "\\n")
rescue Exception => error
  message = error.message.to_s
  "!#{error.class}: #{message}".gsub("\n", "\\n")
end

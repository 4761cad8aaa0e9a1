# Base64.
module Base64
  module_function

  def strict_encode64(text) = YadoNative.encode64(text)
  def encode64(text) = YadoNative.encode64(text).scan(/.{1,60}/).map { |line| line + "\n" }.join
  def decode64(text) = YadoNative.decode64(text)
  def strict_decode64(text) = text.match?(%r{\A[A-Za-z0-9+/]*={0,2}\z}) && text.size % 4 == 0 ? YadoNative.decode64(text) : raise(ArgumentError, "invalid base64")
  def urlsafe_encode64(text, padding: true) = YadoNative.encode64(text).tr("+/", "-_").then { |made| padding ? made : made.delete("=") }
  def urlsafe_decode64(text) = YadoNative.decode64(text)
end

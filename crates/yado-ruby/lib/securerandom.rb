# SecureRandom: the host's random bytes in their usual shapes.
module SecureRandom
  module_function

  def random_bytes(count = 16) = YadoNative.random_bytes(count || 16)
  def bytes(count) = random_bytes(count)
  def hex(count = 16) = YadoNative.hex(random_bytes(count || 16))
  def base64(count = 16) = YadoNative.encode64(random_bytes(count || 16))
  def urlsafe_base64(count = 16, padding = false) = base64(count || 16).tr("+/", "-_").then { |text| padding ? text : text.delete("=") }
  def alphanumeric(count = 16) = Array.new(count || 16) { [*"A".."Z", *"a".."z", *"0".."9"].sample }.join
  def random_number(limit = 0) = limit == 0 ? Random.rand : Random.rand(limit)
  def rand(limit = 0) = random_number(limit)
  def uuid
    text = hex(16)
    text[12] = "4"
    text[16] = "89ab"[text[16].hex % 4]
    [text[0, 8], text[8, 4], text[12, 4], text[16, 4], text[20, 12]].join("-")
  end
end

# Walking through folders.
module Find
  def find(*paths, ignore_error: true)
    return enum_for(:find, *paths) unless block_given?
    paths.flatten.each do |start|
      raise Errno::ENOENT, start.to_s unless File.exist?(start.to_s)
      waiting = [start.to_s.dup]
      while (path = waiting.shift)
        catch(:prune) do
          yield path
          if File.directory?(path) && !File.symlink?(path)
            waiting.unshift(*Dir.children(path).sort.map { |name| File.join(path, name) })
          end
        end
      end
    end
    nil
  end

  def prune; throw :prune; end
  module_function :find, :prune
end

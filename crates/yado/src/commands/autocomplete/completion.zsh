# Completion of yado for zsh: yado itself is asked at every press of the key.
_yado() {
    local -a candidates
    candidates=(${(f)"$(command yado autocomplete candidates -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#candidates} )); then
        compadd -a candidates
    else
        _files
    fi
}
(( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
compdef _yado yado
